# FOVEA_MINIMAL: what reads a model file and predicts. No training, no data sets, no zoo, no float64, bfloat16 or 8 bits, no optional library, no
# command. Three things make it small: folders that are left out here; members of tables that FVI_TRAINS() and
# FVI_DOUBLE() (src/base/parts.h) set to NULL; and the linker, which drops what none of docs/symbols-minimal.txt needs.
set(FOVEA_EXPORTS "fv_*")
if(FOVEA_MINIMAL)
  set(FOVEA_OPTIONAL_LIBRARIES OFF)
  set(FOVEA_COMMAND OFF)
  set(FOVEA_TESTS OFF)
  set(CMAKE_C_FLAGS_RELEASE "-Os -g -DNDEBUG")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS docs/symbols-minimal.txt)
  file(STRINGS docs/symbols-minimal.txt FOVEA_EXPORTS)
  string(REPLACE ";" ";\n    " FOVEA_EXPORTS "${FOVEA_EXPORTS}")
endif()
set(FOVEA_VERSION_SCRIPT ${PROJECT_BINARY_DIR}/fovea.map)
configure_file(cmake/fovea.map.in ${FOVEA_VERSION_SCRIPT} @ONLY)

# Relative relocations take a tenth of the room; the C library knows them since glibc 2.36.
include(CheckLinkerFlag)
check_linker_flag(C -Wl,-z,pack-relative-relocs FOVEA_PACKS_RELOCATIONS)

# Takes out of a list of sources those that this build is without.
function(fovea_leave_out list)
  set(sources ${${list}})
  if(NOT FOVEA_MINIMAL)
    list(FILTER sources EXCLUDE REGEX "/data/augment/table_fixed\\.c")
    set(${list} ${sources} PARENT_SCOPE)
    return()
  endif()
  list(FILTER sources EXCLUDE REGEX "/src/(zoo|optim|train|inspect)/")
  list(FILTER sources EXCLUDE REGEX "/data/augment/table\\.c")
  list(FILTER sources EXCLUDE REGEX "/src/data/((sets|get|corrupt)/|(check|class_weights|corrupt|crew|data_split.*|derive|divide|fetch|identity|loader)\\.c)")
  list(FILTER sources EXCLUDE REGEX "/src/exec/gradcheck\\.c|/src/interchange/(event_|histogram|crc32c|define|expand|expression|graph_yaml|model_write|onnx/|weights/|c/)")
  foreach(kept IN ITEMS train/predictor.c train/report/metrics.c)
    list(APPEND sources ${PROJECT_SOURCE_DIR}/src/${kept})
  endforeach()
  set(${list} ${sources} PARENT_SCOPE)
endfunction()
