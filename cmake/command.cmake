# The command's manual page, made by the command itself from its option tables; and the examples, which are built so that
# they stay true.
if(TARGET fovea_command AND NOT CMAKE_CROSSCOMPILING)
  add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/fovea.1
    COMMAND fovea_command help --man > ${PROJECT_BINARY_DIR}/fovea.1
    DEPENDS fovea_command VERBATIM)
  add_custom_target(fovea_manual ALL DEPENDS ${PROJECT_BINARY_DIR}/fovea.1)
endif()

file(GLOB FOVEA_EXAMPLES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/*.c)
foreach(source IN LISTS FOVEA_EXAMPLES)
  get_filename_component(name ${source} NAME_WE)
  add_executable(example_${name} ${source})
  set_target_properties(example_${name} PROPERTIES
    OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples)
  target_link_libraries(example_${name} PRIVATE fovea_static fovea_settings)
endforeach()

if(TARGET fovea_manual)
  install(FILES ${PROJECT_BINARY_DIR}/fovea.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()
