# Debian 12 has clang 14, later releases a newer one under the plain name.
find_program(FASTMETA_CLANG NAMES clang-14 clang REQUIRED)
find_program(FASTMETA_CLANGXX NAMES clang++-14 clang++ REQUIRED)
set(CMAKE_C_COMPILER "${FASTMETA_CLANG}")
set(CMAKE_CXX_COMPILER "${FASTMETA_CLANGXX}")
