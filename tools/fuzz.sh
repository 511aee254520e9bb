#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the fuzz targets and runs each for SECONDS_EACH seconds (60) from the seeds in tests/fuzz/seeds/<target>.
# What they find stays in build/fuzz/found; the corpus in build/fuzz/corpus grows from run to run.
set -eu
cd "$(dirname "$0")/.."
seconds=${SECONDS_EACH:-60}
cmake --preset fuzz --log-level=WARNING >/dev/null
cmake --build build/fuzz --target fuzz
mkdir -p build/fuzz/found
for program in build/fuzz/fuzz/*_fuzz; do
    name=$(basename "$program" _fuzz)
    mkdir -p "build/fuzz/corpus/$name"
    echo "fuzz: $name for $seconds s"
    "$program" -max_total_time="$seconds" -max_len=4096 -rss_limit_mb=2048 -timeout=10 -verbosity=0 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/found/$name-" "build/fuzz/corpus/$name" "tests/fuzz/seeds/$name"
done
