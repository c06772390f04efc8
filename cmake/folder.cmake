# Targets made from the files of a folder, so that a new file needs no change here. The presets
# compile eight files of a target at once, in a third of the time: names in unnamed namespaces
# differ within a target, and only the preset debug tells that a file does not include what it uses.

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

# fastmeta_library(<name> <folder> [USES <libraries>] [HIDES <libraries>])
# USES is seen by whoever includes the folder's headers, HIDES by its own files only.
# A folder without sources gives a library of headers.
function(fastmeta_library name folder)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "USES;HIDES")
  fastmeta_sources(files "${folder}" RECURSE)
  list(FILTER files EXCLUDE REGEX "/main\\.cc$")
  if(files)
    add_library(${name} STATIC ${files})
    target_link_libraries(${name} PUBLIC ${arg_USES} PRIVATE ${arg_HIDES})
  else()
    message(STATUS "${name}: no sources in ${folder}")
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${arg_USES})
  endif()
endfunction()
