# Each bench/<name>_bench.c is one program for developers, built on demand: ninja -C build/release kernel_bench.
file(GLOB FOVEA_BENCH_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/*_bench.c)
foreach(source IN LISTS FOVEA_BENCH_SOURCES)
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} EXCLUDE_FROM_ALL ${source})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${name} PRIVATE fovea_static fovea_settings)
endforeach()
