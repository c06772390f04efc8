# Finds WiredTiger. Target: WiredTiger::wiredtiger.
find_path(WiredTiger_INCLUDE_DIR wiredtiger.h)
find_library(WiredTiger_LIBRARY wiredtiger)
mark_as_advanced(WiredTiger_INCLUDE_DIR WiredTiger_LIBRARY)

if(WiredTiger_INCLUDE_DIR)
  set(WiredTiger_VERSION "")
  foreach(part MAJOR MINOR PATCH)
    file(STRINGS "${WiredTiger_INCLUDE_DIR}/wiredtiger.h" _line
      REGEX "#define[ \t]+WIREDTIGER_VERSION_${part}[ \t]")
    string(REGEX MATCH "[0-9]+" _number "${_line}")
    list(APPEND WiredTiger_VERSION "${_number}")
  endforeach()
  list(JOIN WiredTiger_VERSION "." WiredTiger_VERSION)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(WiredTiger
  REQUIRED_VARS WiredTiger_LIBRARY WiredTiger_INCLUDE_DIR
  VERSION_VAR WiredTiger_VERSION)

if(WiredTiger_FOUND AND NOT TARGET WiredTiger::wiredtiger)
  add_library(WiredTiger::wiredtiger UNKNOWN IMPORTED)
  set_target_properties(WiredTiger::wiredtiger PROPERTIES
    IMPORTED_LOCATION "${WiredTiger_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${WiredTiger_INCLUDE_DIR}")
endif()
