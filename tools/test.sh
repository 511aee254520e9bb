#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# test.sh PRESET [ctest options] - configures, builds (what $FOVEA_TEST_TARGETS names, else all) and tests a preset. Prints what a reader needs: what was left out,
# each test that failed with its output, what was skipped, and the closing line of ctest.
set -u
FOVEA_CMAKE_OPTIONS=${FOVEA_CMAKE_OPTIONS:-}
preset=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT

if ! cmake --preset "$preset" $FOVEA_CMAKE_OPTIONS >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi
grep 'fovea: ' "$log"
# shellcheck disable=SC2086 # targets are words
if ! cmake --build "build/$preset" ${FOVEA_TEST_TARGETS:+--target $FOVEA_TEST_TARGETS} >"$log" 2>&1; then
    grep -v -E '^\[[0-9]+/[0-9]+\] |^-- ' "$log" | tail -n 60 >&2
    exit 1
fi
# Tests use threads of their own, so few run side by side. Those of tests/long/ take minutes and gigabytes each.
[ -n "${FOVEA_TEST_LONG:-}" ] || set -- -LE '^long$' "$@"
ctest --preset "$preset" --output-on-failure --no-tests=error -j 2 "$@" >"$log" 2>&1
status=$?
if [ $status -ne 0 ]; then
    grep -v -E ' Passed |^ +Start |^Test project' "$log"
else
    grep -E 'Skipped' "$log"
    awk '/^[0-9]+\/[0-9]+ Testing: / { name = $3 } /^skipped: / { print name ": " $0 }' \
        "build/$preset/Testing/Temporary/LastTest.log" | sort -u
    grep -E '^[0-9]+% tests passed' "$log"
fi
exit $status
