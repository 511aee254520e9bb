# ONNX, optional: the schema that the distribution installs (package libonnx-dev on Debian), compiled here by protoc-c, and
# libprotobuf-c. Nothing generated is committed. Defines FVI_HAVE_ONNX, and FOVEA_ONNX_OBJECTS: what sources.cmake links.
set(FOVEA_ONNX_OBJECTS "")
if(NOT FOVEA_OPTIONAL_LIBRARIES)
  list(APPEND FOVEA_MISSING_LIBRARIES onnx)
  return()
endif()
pkg_check_modules(PROTOBUF_C QUIET IMPORTED_TARGET libprotobuf-c)
find_program(FOVEA_PROTOC_C protoc-c)
# The same in every architecture, so the host's serves a cross build too.
find_file(FOVEA_ONNX_SCHEMA NAMES onnx/onnx.proto onnx/onnx-ml.proto PATHS /usr/include NO_CMAKE_FIND_ROOT_PATH)
if(NOT PROTOBUF_C_FOUND OR NOT FOVEA_PROTOC_C OR NOT FOVEA_ONNX_SCHEMA)
  list(APPEND FOVEA_MISSING_LIBRARIES onnx)
  return()
endif()

set(schema ${PROJECT_BINARY_DIR}/onnx)
configure_file(${FOVEA_ONNX_SCHEMA} ${schema}/onnx.proto COPYONLY)
add_custom_command(OUTPUT ${schema}/onnx.pb-c.c ${schema}/onnx.pb-c.h
  COMMAND ${FOVEA_PROTOC_C} --proto_path=${schema} --c_out=${schema} onnx.proto
  DEPENDS ${schema}/onnx.proto VERBATIM)
# Without our warnings: it is not our code.
add_library(fovea_onnx_schema OBJECT ${schema}/onnx.pb-c.c ${schema}/onnx.pb-c.h)
target_link_libraries(fovea_onnx_schema PRIVATE PkgConfig::PROTOBUF_C)
if(FOVEA_SANITIZE)
  target_compile_options(fovea_onnx_schema PRIVATE -fsanitize=${FOVEA_SANITIZE})
endif()
set(FOVEA_ONNX_OBJECTS $<TARGET_OBJECTS:fovea_onnx_schema>)
target_include_directories(fovea_settings SYSTEM INTERFACE ${schema})
target_compile_definitions(fovea_settings INTERFACE FVI_HAVE_ONNX=1)
list(APPEND FOVEA_LIBRARIES PkgConfig::PROTOBUF_C)
list(APPEND FOVEA_PKGCONFIG_REQUIRES libprotobuf-c)
string(APPEND FOVEA_CONFIG_MODULES "  pkg_check_modules(PROTOBUF_C QUIET IMPORTED_TARGET libprotobuf-c)\n")
list(APPEND FOVEA_FOUND_LIBRARIES onnx)
