# The manual pages, made by the command itself from its option tables; and the examples, which are built so that they stay true.
if(TARGET fovea_command AND NOT CMAKE_CROSSCOMPILING)
  add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/man/fovea.1
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${PROJECT_BINARY_DIR}/man
    COMMAND fovea_command help --man-pages ${PROJECT_BINARY_DIR}/man
    DEPENDS fovea_command VERBATIM)
  add_custom_target(fovea_manual ALL DEPENDS ${PROJECT_BINARY_DIR}/man/fovea.1)
  install(DIRECTORY ${PROJECT_BINARY_DIR}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT command)
endif()

file(GLOB FOVEA_EXAMPLES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/*.c)
foreach(source IN LISTS FOVEA_EXAMPLES)
  get_filename_component(name ${source} NAME_WE)
  add_executable(example_${name} ${source})
  set_target_properties(example_${name} PROPERTIES
    OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples)
  target_link_libraries(example_${name} PRIVATE fovea_static fovea_settings)
endforeach()

include(CheckLanguage)
check_language(CXX)
if(CMAKE_CXX_COMPILER AND NOT FOVEA_SANITIZE)
  enable_language(CXX)
  add_executable(example_embed ${PROJECT_SOURCE_DIR}/examples/embed.cpp)
  set_target_properties(example_embed PROPERTIES CXX_STANDARD 17
    OUTPUT_NAME embed RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples)
  target_compile_options(example_embed PRIVATE -Wall -Wextra -Wconversion -Wshadow -pedantic $<$<BOOL:${FOVEA_WERROR}>:-Werror>)
  target_link_libraries(example_embed PRIVATE fovea_static)
endif()
