#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# bf16_objects_test.sh - AVX-512 BF16's instructions are in the objects compiled for it and in no other, where they would end a
# program on any other CPU. $FOVEA_BUILD: the build folder.
set -eu
command -v objdump >/dev/null 2>&1 || { echo "skipped: no objdump"; exit 77; }
cd "$FOVEA_BUILD/CMakeFiles"
own=fovea_isa_avx512_bf16.dir
[ -d $own ] || { echo "skipped: not x86-64"; exit 77; }

uses() {
    objdump -d "$1" | grep -Eq 'v(dpbf16ps|cvtne2?ps2bf16)'
}

bad=0
for name in dot convert; do
    uses $own/src/kernel/bf16/$name.isa.c.o || { echo "$name for avx512_bf16 has no bf16 instruction"; bad=1; }
done
for object in $(find fovea_plain.dir fovea_isa_*.dir -name '*.o' ! -path "$own/*"); do
    ! uses "$object" || { echo "$object has AVX-512 BF16 instructions"; bad=1; }
done
exit $bad
