# What `cmake --install` puts where: the program, its plugins, experiments, manual and completions; and for plugins that
# are built elsewhere the headers, emend.pc and a CMake package.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS emend DESTINATION ${CMAKE_INSTALL_BINDIR})
# beside bin/, where the program looks for them: its plugins, and the experiments with their data
install(DIRECTORY ${CMAKE_BINARY_DIR}/lib/emend DESTINATION lib)
install(DIRECTORY experiments DESTINATION share/emend PATTERN models EXCLUDE)

# the manual and the completions, which the program writes from its tables and its plugins
set(share ${CMAKE_BINARY_DIR}/share)
set(completions bash-completion/completions/emend zsh/site-functions/_emend fish/vendor_completions.d/emend.fish)
if(NOT CMAKE_CROSSCOMPILING)
  foreach(kind algorithms metrics)
    get_property(targets DIRECTORY ${kind} PROPERTY BUILDSYSTEM_TARGETS)
    list(FILTER targets INCLUDE REGEX ^plugin_)
    list(APPEND plugins ${targets})
  endforeach()
  foreach(file ${completions})
    string(REGEX MATCH "^[a-z]+" shell ${file})
    get_filename_component(folder ${share}/${file} DIRECTORY)
    list(APPEND write COMMAND ${CMAKE_COMMAND} -E make_directory ${folder}
         COMMAND sh -c "\"$<TARGET_FILE:emend>\" completion ${shell} >\"${share}/${file}\"")
  endforeach()
  add_custom_command(OUTPUT ${share}/written
    COMMAND emend help --man --out ${share}/man ${write}
    COMMAND ${CMAKE_COMMAND} -E touch ${share}/written
    DEPENDS emend ${plugins} VERBATIM)
  add_custom_target(emend_documents ALL DEPENDS ${share}/written)
  install(DIRECTORY ${share}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR})
  foreach(file ${completions})
    get_filename_component(folder ${file} DIRECTORY)
    install(FILES ${share}/${file} DESTINATION ${CMAKE_INSTALL_DATADIR}/${folder})
  endforeach()
endif()

install(DIRECTORY runtime/include/emend DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
# cc -shared -fPIC $(pkg-config --cflags emend) mine.c -o mine.so
file(RELATIVE_PATH EMEND_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/emend.pc.in emend.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/emend.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
# find_package(emend) and emend_plugin(mine mine.c)
add_library(emend_headers INTERFACE)
set_target_properties(emend_headers PROPERTIES EXPORT_NAME headers)
target_include_directories(emend_headers INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/emend)
install(TARGETS emend_headers EXPORT emendTargets)
install(EXPORT emendTargets NAMESPACE emend:: DESTINATION ${package})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/emendConfigVersion.cmake COMPATIBILITY SameMinorVersion
                                 ARCH_INDEPENDENT)
install(FILES cmake/emendConfig.cmake ${CMAKE_BINARY_DIR}/emendConfigVersion.cmake DESTINATION ${package})
