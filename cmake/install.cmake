# make install: both libraries, the headers, what build systems ask for (fovea.pc, find_package(fovea)), the command with
# its manual page and completions, the data set that comes with it, and the recipes of the zoo.
include(CMakePackageConfigHelpers)

set_target_properties(fovea_shared PROPERTIES EXPORT_NAME fovea)
foreach(library fovea_static fovea_shared)
  target_include_directories(${library} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()
install(TARGETS fovea_static fovea_shared EXPORT fovea-targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library NAMELINK_COMPONENT development)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/fovea DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development
  FILES_MATCHING PATTERN "*.h")
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT development)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/fovea)
install(EXPORT fovea-targets NAMESPACE fovea:: DESTINATION ${package_folder} COMPONENT development)
configure_package_config_file(cmake/fovea-config.cmake.in ${PROJECT_BINARY_DIR}/fovea-config.cmake
  INSTALL_DESTINATION ${package_folder})
# Before 1.0 a minor version may change anything.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/fovea-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/fovea-config.cmake ${PROJECT_BINARY_DIR}/fovea-config-version.cmake
  DESTINATION ${package_folder} COMPONENT development)

string(REPLACE ";" " " FOVEA_PKGCONFIG_REQUIRES_LINE "${FOVEA_PKGCONFIG_REQUIRES}")
configure_file(cmake/fovea.pc.in ${PROJECT_BINARY_DIR}/fovea.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/fovea.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/data/mnist-12k ${PROJECT_SOURCE_DIR}/data/recipes DESTINATION ${CMAKE_INSTALL_DATADIR}/fovea
  COMPONENT command)
if(NOT FOVEA_PACKAGE) # Debian has it already
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT development)
endif()

if(TARGET fovea_command)
  install(TARGETS fovea_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT command)
endif()
set(FOVEA_ZSH_FOLDER ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
if(FOVEA_PACKAGE) # where Debian's zsh looks below /usr
  set(FOVEA_ZSH_FOLDER ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
endif()
if(TARGET fovea_command AND NOT CMAKE_CROSSCOMPILING)
  add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/fovea.bash ${PROJECT_BINARY_DIR}/_fovea
    COMMAND fovea_command help --completion bash > ${PROJECT_BINARY_DIR}/fovea.bash
    COMMAND fovea_command help --completion zsh > ${PROJECT_BINARY_DIR}/_fovea
    DEPENDS fovea_command VERBATIM)
  add_custom_target(fovea_completions ALL DEPENDS ${PROJECT_BINARY_DIR}/fovea.bash ${PROJECT_BINARY_DIR}/_fovea)
  install(FILES ${PROJECT_BINARY_DIR}/fovea.bash RENAME fovea
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT command)
  install(FILES ${PROJECT_BINARY_DIR}/_fovea DESTINATION ${FOVEA_ZSH_FOLDER} COMPONENT command)
endif()
