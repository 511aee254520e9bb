# Flags of every source, and the flags of each instruction set.
target_compile_options(fovea_settings INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
  -fno-math-errno   # sqrt becomes one instruction; errno is never read
  -ffp-contract=off # an FMA only where one is written: the same bits from every compiler
)
if(FOVEA_WERROR)
  target_compile_options(fovea_settings INTERFACE -Werror)
endif()
if(FOVEA_MINIMAL)
  target_compile_definitions(fovea_settings INTERFACE FVI_INFERENCE_ONLY=1)
  # What tables do not name is unused here; the linker drops it.
  target_compile_options(fovea_settings INTERFACE -Wno-unused-function -ffunction-sections -fdata-sections
    -fno-asynchronous-unwind-tables)
  target_link_options(fovea_settings INTERFACE -Wl,--gc-sections -Wl,-z,noseparate-code
    $<$<BOOL:${FOVEA_PACKS_RELOCATIONS}>:-Wl,-z,pack-relative-relocs>)
endif()
if(FOVEA_SANITIZE)
  set(watched "$<NOT:$<BOOL:$<TARGET_PROPERTY:FOVEA_UNWATCHED>>>")
  target_compile_options(fovea_settings INTERFACE "$<${watched}:-fsanitize=${FOVEA_SANITIZE}>"
    "$<${watched}:-fno-sanitize-recover=all>" -fno-omit-frame-pointer)
  target_link_options(fovea_settings INTERFACE -fsanitize=${FOVEA_SANITIZE})
endif()
target_include_directories(fovea_settings INTERFACE ${PROJECT_SOURCE_DIR}/include)
target_link_libraries(fovea_settings INTERFACE ${FOVEA_LIBRARIES})
target_compile_definitions(fovea_settings INTERFACE
  _GNU_SOURCE
  FVI_VERSION="${PROJECT_VERSION}"
)

# Instruction sets: name, lanes of 32 bits, flags. The name is the suffix of FVI_ISA_NAME.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(FOVEA_ISAS baseline avx2 avx512)
  set(FOVEA_ISA_baseline_LANES 4)
  set(FOVEA_ISA_baseline_FLAGS "")
  set(FOVEA_ISA_avx2_LANES 8)
  set(FOVEA_ISA_avx2_FLAGS -mavx2 -mfma)
  set(FOVEA_ISA_avx512_LANES 16)
  set(FOVEA_ISA_avx512_FLAGS -mavx2 -mfma -mavx512f -mavx512vl -mavx512bw -mavx512dq)
  # Of this one only src/kernel/bf16/; of the rest it has avx512's.
  set(FOVEA_BF16_ISAS avx512_bf16)
  set(FOVEA_ISA_avx512_bf16_LANES 16)
  set(FOVEA_ISA_avx512_bf16_FLAGS ${FOVEA_ISA_avx512_FLAGS} -mavx512bf16)
  # Of these only src/kernel/int8/.
  set(FOVEA_INT8_ISAS avxvnni avx512vnni)
  set(FOVEA_ISA_avxvnni_LANES 8)
  set(FOVEA_ISA_avxvnni_FLAGS ${FOVEA_ISA_avx2_FLAGS} -mavxvnni)
  set(FOVEA_ISA_avx512vnni_LANES 16)
  set(FOVEA_ISA_avx512vnni_FLAGS ${FOVEA_ISA_avx512_FLAGS} -mavx512vnni)
  # For tests only: sources for 16 lanes lowered to AVX2, so that their logic is tested on a CPU without AVX-512.
  set(FOVEA_TEST_ISAS wide)
  set(FOVEA_ISA_wide_LANES 16)
  set(FOVEA_ISA_wide_FLAGS -mavx2 -mfma)
  set(FOVEA_ISAS_NOT_HERE "") # of which the build machine's CPU is known to lack the instructions
  if(EXISTS /proc/cpuinfo AND NOT CMAKE_CROSSCOMPILING)
    file(READ /proc/cpuinfo cpu LIMIT 8192)
    if(NOT cpu MATCHES " avx512f ")
      set(FOVEA_ISAS_NOT_HERE avx512 avx512_bf16)
    endif()
  endif()
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
  set(FOVEA_ISAS neon)
  set(FOVEA_ISA_neon_LANES 4)
  set(FOVEA_ISA_neon_FLAGS "")
  # Of this one only src/kernel/int8/.
  set(FOVEA_INT8_ISAS neondot)
  set(FOVEA_ISA_neondot_LANES 4)
  set(FOVEA_ISA_neondot_FLAGS -march=armv8.2-a+dotprod)
else()
  set(FOVEA_ISAS baseline)
  set(FOVEA_ISA_baseline_LANES 4)
  set(FOVEA_ISA_baseline_FLAGS "")
endif()
