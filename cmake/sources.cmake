# The library (static and shared, from the same objects) and the command.
file(GLOB_RECURSE FOVEA_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*.c)
# Without ONNX's schema the reader is what says so; the writer's files look for themselves.
if(TARGET fovea_onnx_schema)
  list(FILTER FOVEA_SOURCES EXCLUDE REGEX "/onnx/onnx_absent\\.c$")
else()
  list(FILTER FOVEA_SOURCES EXCLUDE REGEX "/onnx/onnx_([^w]|wi)[^/]*\\.c$")
  list(APPEND FOVEA_SOURCES ${PROJECT_SOURCE_DIR}/src/interchange/onnx/onnx_absent.c)
endif()
fovea_leave_out(FOVEA_SOURCES)
set(FOVEA_REAL_SOURCES ${FOVEA_SOURCES})
set(FOVEA_ISA_SOURCES ${FOVEA_SOURCES})
list(FILTER FOVEA_REAL_SOURCES INCLUDE REGEX "\\.real\\.c$")
list(FILTER FOVEA_ISA_SOURCES INCLUDE REGEX "\\.isa\\.c$")
list(FILTER FOVEA_SOURCES EXCLUDE REGEX "\\.(real|isa)\\.c$")

# Where the embedded data lies: beside the sources for a command run from its build folder, and installed. One source knows, so
# that another prefix compiles one file again.
set_source_files_properties(${PROJECT_SOURCE_DIR}/src/data/sets/find.c PROPERTIES COMPILE_DEFINITIONS
  "FVI_DATA_SOURCE=\"${PROJECT_SOURCE_DIR}/data\";FVI_DATA_INSTALLED=\"${CMAKE_INSTALL_FULL_DATADIR}/fovea\"")

# Adds an object library over sources and appends its objects to list.
function(fovea_objects target list)
  if(ARGN)
    add_library(${target} OBJECT ${ARGN})
    target_link_libraries(${target} PRIVATE fovea_settings)
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src)
    set(${list} ${${list}} $<TARGET_OBJECTS:${target}> PARENT_SCOPE)
  endif()
endfunction()

# The same for sources of one instruction set.
function(fovea_isa_objects target isa list)
  set(objects "")
  fovea_objects(${target} objects ${ARGN})
  if(TARGET ${target})
    # -Wno-psabi: vectors wider than the ABI's are only passed between inlined functions of one file.
    target_compile_options(${target} PRIVATE ${FOVEA_ISA_${isa}_FLAGS} -Wno-psabi)
    # What this CPU cannot run no sanitizer watches, and fuzz targets are for readers.
    if(FOVEA_SANITIZE AND (FOVEA_FUZZ OR isa IN_LIST FOVEA_ISAS_NOT_HERE))
      set_target_properties(${target} PROPERTIES FOVEA_UNWATCHED ON)
    endif()
    target_compile_definitions(${target} PRIVATE FVI_ISA_LANES=${FOVEA_ISA_${isa}_LANES} FVI_ISA_SUFFIX=${isa})
  endif()
  set(${list} ${${list}} ${objects} PARENT_SCOPE)
endfunction()

set(FOVEA_OBJECTS "")
fovea_objects(fovea_plain FOVEA_OBJECTS ${FOVEA_SOURCES})
fovea_objects(fovea_real_f32 FOVEA_OBJECTS ${FOVEA_REAL_SOURCES})
fovea_objects(fovea_real_f64 FOVEA_OBJECTS ${FOVEA_REAL_SOURCES})
if(TARGET fovea_real_f64)
  target_compile_definitions(fovea_real_f64 PRIVATE FVI_REAL_DOUBLE=1)
endif()
foreach(isa IN LISTS FOVEA_ISAS)
  fovea_isa_objects(fovea_isa_${isa} ${isa} FOVEA_OBJECTS ${FOVEA_ISA_SOURCES})
endforeach()
set(FOVEA_BF16_SOURCES ${FOVEA_ISA_SOURCES})
list(FILTER FOVEA_BF16_SOURCES INCLUDE REGEX "/kernel/bf16/")
foreach(isa IN LISTS FOVEA_BF16_ISAS)
  fovea_isa_objects(fovea_isa_${isa} ${isa} FOVEA_OBJECTS ${FOVEA_BF16_SOURCES})
endforeach()
set(FOVEA_INT8_SOURCES ${FOVEA_ISA_SOURCES})
list(FILTER FOVEA_INT8_SOURCES INCLUDE REGEX "/kernel/int8/")
foreach(isa IN LISTS FOVEA_INT8_ISAS)
  fovea_isa_objects(fovea_isa_${isa} ${isa} FOVEA_OBJECTS ${FOVEA_INT8_SOURCES})
endforeach()

list(APPEND FOVEA_OBJECTS ${FOVEA_ONNX_OBJECTS})
if(TARGET fovea_onnx_schema) # its header comes first
  add_dependencies(fovea_plain fovea_onnx_schema)
endif()

add_library(fovea_static STATIC ${FOVEA_OBJECTS})
add_library(fovea_shared SHARED ${FOVEA_OBJECTS})
set_target_properties(fovea_static fovea_shared PROPERTIES OUTPUT_NAME fovea LINKER_LANGUAGE C)
# Before 1.0 every minor version may change the ABI, so the SONAME carries it.
set_target_properties(fovea_shared PROPERTIES
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
foreach(library fovea_static fovea_shared)
  target_include_directories(${library} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
endforeach()
target_link_libraries(fovea_static PUBLIC ${FOVEA_LIBRARIES})
target_link_libraries(fovea_shared PRIVATE fovea_settings)
set_target_properties(fovea_shared PROPERTIES LINK_DEPENDS ${FOVEA_VERSION_SCRIPT})
target_link_options(fovea_shared PRIVATE -Wl,--version-script=${FOVEA_VERSION_SCRIPT})
if(NOT FOVEA_SANITIZE) # whose symbols only programs have
  target_link_options(fovea_shared PRIVATE -Wl,-z,defs)
endif()
if(FOVEA_SANITIZE)
  target_link_options(fovea_static INTERFACE -fsanitize=${FOVEA_SANITIZE})
endif()

# The command sees the public headers only (and its own).
if(FOVEA_COMMAND AND EXISTS ${PROJECT_SOURCE_DIR}/cli/main.c)
  file(GLOB FOVEA_COMMAND_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cli/*.c)
  add_executable(fovea_command ${FOVEA_COMMAND_SOURCES})
  set_target_properties(fovea_command PROPERTIES OUTPUT_NAME fovea RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
  target_link_libraries(fovea_command PRIVATE fovea_static fovea_settings)
endif()
