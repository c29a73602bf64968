# emend_plugin(algorithms|metrics NAME SOURCE...): a plugin, built where the program finds it. It sees <emend/*.h> and
# the folder of its kind's shared code, nothing else; what it calls is resolved in the program that loads it.

function(emend_plugin kind name)
  add_library(plugin_${name} MODULE ${ARGN})
  target_include_directories(plugin_${name} PRIVATE
    ${PROJECT_SOURCE_DIR}/runtime/include ${PROJECT_SOURCE_DIR}/${kind} ${CMAKE_BINARY_DIR}/${kind})
  target_link_libraries(plugin_${name} PRIVATE m)
  set_target_properties(plugin_${name} PROPERTIES PREFIX "" SUFFIX .so OUTPUT_NAME ${name}
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib/emend/${kind})
endfunction()

# emend_common_hash(algorithms|metrics): "common/hash.h", with COMMON_HASH over the kind's shared code, the headers that
# it sees and the compiler. Plugins that leave a computation to the shared code are one by this hash (`prepares`).
function(emend_common_hash kind)
  set(hash ${CMAKE_BINARY_DIR}/${kind}/common/hash.h)
  set(script ${PROJECT_SOURCE_DIR}/cmake/hash.cmake)
  file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${kind}/common/*.[ch]
       ${PROJECT_SOURCE_DIR}/runtime/include/emend/*.h)
  add_custom_command(
    OUTPUT ${hash}
    COMMAND ${CMAKE_COMMAND} "-DFILES=${files}" -DTEXT=${EMEND_COMPILER} -DNAME=COMMON_HASH -DOUTPUT=${hash} -P ${script}
    DEPENDS ${files} ${script}
    VERBATIM)
  add_custom_target(${kind}_common_hash DEPENDS ${hash})
  foreach(name ${ARGN})
    add_dependencies(plugin_${name} ${kind}_common_hash)
  endforeach()
endfunction()
