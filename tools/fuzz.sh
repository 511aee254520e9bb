#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the fuzz targets and runs each (or those that are named) for FUZZ_SECONDS seconds (60) from the seeds in
# tests/fuzz/seeds/<target>. What they find stays in build/fuzz/found; the corpus in build/fuzz/corpus grows from run to run.
# Every target is run, also after one has found something; the status is 1 if any has.
set -eu
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-60}
cmake --preset fuzz --log-level=WARNING >/dev/null
cmake --build build/fuzz --target fuzz
mkdir -p build/fuzz/found
[ $# -gt 0 ] || set -- build/fuzz/fuzz/*_fuzz
failed=
for program; do
    name=$(basename "$program" _fuzz)
    mkdir -p "build/fuzz/corpus/$name"
    echo "fuzz: $name for $seconds s"
    "build/fuzz/fuzz/${name}_fuzz" -max_total_time="$seconds" -max_len=8192 -rss_limit_mb=2048 -timeout=10 -verbosity=0 \
        -print_final_stats=1 -artifact_prefix="build/fuzz/found/$name-" "build/fuzz/corpus/$name" \
        "tests/fuzz/seeds/$name" || failed="$failed $name"
done
if [ -n "$failed" ]; then
    echo "fuzz: found something:$failed (build/fuzz/found)" >&2
    exit 1
fi
echo "fuzz: nothing found"
