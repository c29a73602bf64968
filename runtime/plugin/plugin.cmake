# emend_plugin(algorithms|metrics NAME SOURCE...): a plugin, built where the program finds it. It sees <emend/*.h> and
# the folder of its kind's shared code, nothing else; what it calls is resolved in the program that loads it.

function(emend_plugin kind name)
  add_library(plugin_${name} MODULE ${ARGN})
  target_include_directories(plugin_${name} PRIVATE ${PROJECT_SOURCE_DIR}/runtime/include ${PROJECT_SOURCE_DIR}/${kind})
  target_link_libraries(plugin_${name} PRIVATE m)
  set_target_properties(plugin_${name} PROPERTIES PREFIX "" SUFFIX .so OUTPUT_NAME ${name}
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib/emend/${kind})
endfunction()
