# Targets made from the files of a folder, so that a new file needs no change here.

# fastmeta_sources(<out> <folder> [RECURSE] [SUFFIX cc]): the folder's source files, sorted.
function(fastmeta_sources out folder)
  cmake_parse_arguments(PARSE_ARGV 2 arg "RECURSE" "SUFFIX" "")
  if(NOT arg_SUFFIX)
    set(arg_SUFFIX cc)
  endif()
  set(how GLOB)
  if(arg_RECURSE)
    set(how GLOB_RECURSE)
  endif()
  file(${how} found CONFIGURE_DEPENDS "${folder}/*.${arg_SUFFIX}")
  set(${out} "${found}" PARENT_SCOPE)
endfunction()

# fastmeta_library(<name> <folder> [USES <libraries>] [HIDES <libraries>] [PRECOMPILES <headers>])
# USES is seen by whoever includes the folder's headers, HIDES by its own files only.
# A folder without sources gives a library of headers.
function(fastmeta_library name folder)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "USES;HIDES;PRECOMPILES")
  fastmeta_sources(files "${folder}" RECURSE)
  list(FILTER files EXCLUDE REGEX "/main\\.cc$")
  if(files)
    add_library(${name} STATIC ${files})
    target_link_libraries(${name} PUBLIC ${arg_USES} PRIVATE ${arg_HIDES})
    list(LENGTH files count)
    if(count GREATER 8)
      fastmeta_precompile(${name} ${arg_PRECOMPILES})
    endif()
  else()
    message(STATUS "${name}: no sources in ${folder}")
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${arg_USES})
  endif()
endfunction()

# fastmeta_precompile(<target> [headers]): what nearly every file includes is read once. Files
# include what they use all the same: a build without it (the preset clang) shows what is missing.
function(fastmeta_precompile target)
  if(FASTMETA_PCH)
    list(TRANSFORM ARGN REPLACE "(.+)" "$<$<COMPILE_LANGUAGE:CXX>:<\\1$<ANGLE-R>>"
      OUTPUT_VARIABLE more)
    set(common algorithm chrono functional memory mutex optional string unordered_map vector)
    list(TRANSFORM common REPLACE "(.+)" "$<$<COMPILE_LANGUAGE:CXX>:<\\1$<ANGLE-R>>")
    target_precompile_headers(${target} PRIVATE ${common} ${more})
  endif()
endfunction()
