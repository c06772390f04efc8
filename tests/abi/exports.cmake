# The plugin exports the entry point and nothing else. Needs -DNM= and -DPLUGIN=.
execute_process(COMMAND "${NM}" -D --defined-only --format=posix "${PLUGIN}"
  OUTPUT_VARIABLE lines COMMAND_ERROR_IS_FATAL ANY)
string(STRIP "${lines}" lines)
string(REPLACE "\n" ";" lines "${lines}")
list(TRANSFORM lines REPLACE " .*" "")
if(NOT "${lines}" STREQUAL "mdp_plugin_entry")
  message(FATAL_ERROR "exported: ${lines}")
endif()
