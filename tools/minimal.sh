#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# minimal.sh [model] - builds the inference-only library (cmake/minimal.cmake), tells how large it is, and that it gives a model's
# probabilities with the bits of the whole library: needs build/release/fovea and libfovea.so, else that part is left out.
set -eu
cd "$(dirname "$0")/.."
goal=500000
limit=600000
# shellcheck disable=SC2086 # options are words
cmake --preset minimal ${FOVEA_CMAKE_OPTIONS:-} --log-level=WARNING >/dev/null
cmake --build build/minimal --target fovea_shared fovea_static >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
strip -o "$work/libfovea.so" build/minimal/libfovea.so
bytes=$(wc -c <"$work/libfovea.so")
echo "libfovea.so for inference only: $bytes bytes (goal: $goal)"
nm -D --defined-only build/minimal/libfovea.so | sed -n 's/.* T \([^@]*\).*/\1/p' | sort >"$work/exported"
sort docs/symbols-minimal.txt | diff - "$work/exported" || { echo "docs/symbols-minimal.txt is not what it exports"; exit 1; }
[ "$bytes" -le $limit ] || { echo "it has grown beyond $limit bytes"; exit 1; }

if [ ! -x build/release/fovea ] || [ ! -e build/release/libfovea.so ]; then
    echo "skipped: no build/release to compare with"
    exit 0
fi
build/release/fovea train lenet5 --data mnist-12k --out "$work/run" --seed 1 --epochs 1 >/dev/null
cc -O1 -Wall -Werror -Iinclude tests/minimal/classify.c -o "$work/small" -Lbuild/minimal -lfovea -Wl,-rpath,"$PWD/build/minimal"
cc -O1 -Wall -Werror -Iinclude tests/minimal/classify.c -o "$work/whole" -Lbuild/release -lfovea -Wl,-rpath,"$PWD/build/release"
isas=baseline
if grep -q avx2 /proc/cpuinfo 2>/dev/null; then
    isas="baseline avx2"
fi
for isa in $isas; do
    FOVEA_ISA=$isa "$work/whole" "$work/run/model.safetensors" >"$work/whole.txt"
    FOVEA_ISA=$isa "$work/small" "$work/run/model.safetensors" >"$work/small.txt"
    diff "$work/whole.txt" "$work/small.txt"
done
sed 1q "$work/small.txt"
