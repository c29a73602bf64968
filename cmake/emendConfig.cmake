# find_package(emend): the target emend::headers, and emend_plugin(NAME SOURCE...), which builds NAME.so for
# `emend --plugins FOLDER`. What a plugin calls is resolved in the program that loads it.

include(${CMAKE_CURRENT_LIST_DIR}/emendTargets.cmake)

function(emend_plugin name)
  add_library(${name} MODULE ${ARGN})
  target_link_libraries(${name} PRIVATE emend::headers)
  set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX .so C_STANDARD 11)
endfunction()
