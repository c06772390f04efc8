# Finds hiredis >= 1.2 (RESP3, push messages) with its TLS part.
# Targets: Hiredis::hiredis, Hiredis::ssl.
#
# Looked for in this order: FASTMETA_HIREDIS_ROOT (variable, then environment), the system's
# through pkg-config, the one that scripts/hiredis has built into the user's cache.
find_package(PkgConfig QUIET)

set(_hiredis_root "${FASTMETA_HIREDIS_ROOT}")
if(NOT _hiredis_root)
  set(_hiredis_root "$ENV{FASTMETA_HIREDIS_ROOT}")
endif()

if(NOT _hiredis_root AND PKG_CONFIG_FOUND)
  pkg_check_modules(HIREDIS_PC QUIET IMPORTED_TARGET "hiredis>=1.2")
  pkg_check_modules(HIREDIS_SSL_PC QUIET IMPORTED_TARGET "hiredis_ssl>=1.2")
endif()

if(HIREDIS_PC_FOUND AND HIREDIS_SSL_PC_FOUND)
  set(Hiredis_VERSION "${HIREDIS_PC_VERSION}")
  set(Hiredis_LIBRARY "${HIREDIS_PC_LINK_LIBRARIES}")
  if(NOT TARGET Hiredis::hiredis)
    add_library(Hiredis::hiredis ALIAS PkgConfig::HIREDIS_PC)
    add_library(Hiredis::ssl ALIAS PkgConfig::HIREDIS_SSL_PC)
  endif()
else()
  if(NOT _hiredis_root)
    set(_hiredis_cache "$ENV{XDG_CACHE_HOME}")
    if(NOT _hiredis_cache)
      set(_hiredis_cache "$ENV{HOME}/.cache")
    endif()
    file(GLOB _hiredis_built "${_hiredis_cache}/fastmeta/hiredis-*/.complete")
    if(_hiredis_built)
      list(SORT _hiredis_built COMPARE NATURAL ORDER DESCENDING)
      list(GET _hiredis_built 0 _hiredis_root)
      get_filename_component(_hiredis_root "${_hiredis_root}" DIRECTORY)
    endif()
  endif()

  # Looked up anew each time: the folder may have changed since the last configuration.
  foreach(part Hiredis_INCLUDE_DIR Hiredis_LIBRARY Hiredis_SSL_LIBRARY)
    unset(${part} CACHE)
  endforeach()
  find_path(Hiredis_INCLUDE_DIR hiredis/hiredis.h
    PATHS "${_hiredis_root}/include" NO_DEFAULT_PATH)
  find_library(Hiredis_LIBRARY NAMES libhiredis.a hiredis
    PATHS "${_hiredis_root}/lib" NO_DEFAULT_PATH)
  find_library(Hiredis_SSL_LIBRARY NAMES libhiredis_ssl.a hiredis_ssl
    PATHS "${_hiredis_root}/lib" NO_DEFAULT_PATH)
  if(Hiredis_INCLUDE_DIR)
    file(STRINGS "${Hiredis_INCLUDE_DIR}/hiredis/hiredis.h" _hiredis_lines
      REGEX "#define HIREDIS_(MAJOR|MINOR|PATCH) ")
    string(REGEX REPLACE "[^0-9;]+" "" _hiredis_lines "${_hiredis_lines}")
    string(REPLACE ";" "." Hiredis_VERSION "${_hiredis_lines}")
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Hiredis
  REQUIRED_VARS Hiredis_LIBRARY
  VERSION_VAR Hiredis_VERSION
  REASON_FAILURE_MESSAGE "scripts/deps builds it where the system's is too old")

if(Hiredis_FOUND AND NOT TARGET Hiredis::hiredis)
  find_package(OpenSSL REQUIRED)
  add_library(Hiredis::hiredis UNKNOWN IMPORTED)
  set_target_properties(Hiredis::hiredis PROPERTIES
    IMPORTED_LOCATION "${Hiredis_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${Hiredis_INCLUDE_DIR};${Hiredis_INCLUDE_DIR}/hiredis")
  add_library(Hiredis::ssl UNKNOWN IMPORTED)
  set_target_properties(Hiredis::ssl PROPERTIES
    IMPORTED_LOCATION "${Hiredis_SSL_LIBRARY}"
    INTERFACE_LINK_LIBRARIES "Hiredis::hiredis;OpenSSL::SSL;OpenSSL::Crypto")
endif()
