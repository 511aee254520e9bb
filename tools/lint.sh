#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# lint.sh [PRESET] - every check of `make lint`; prints what is wrong and one line per check.
set -u
cd "$(dirname "$0")/.."
preset=${1:-release}
failed=0

check() {
    name=$1
    shift
    if output=$("$@" 2>&1); then
        echo "ok      $name"
    else
        echo "FAILED  $name"
        failed=$((failed + 1))
    fi
    [ -z "$output" ] || echo "$output" | sed 's/^/        /'
}

cmake --preset "$preset" --log-level=WARNING >/dev/null && cmake --build "build/$preset" --target fovea_shared >/dev/null || exit 1
check "format" tools/check-format
check "include order" tools/check-includes
check "test pairing" tools/check-tests
check "documented public functions" tools/check-docs
check "exported symbols" tools/check-symbols "build/$preset"
if command -v doxygen >/dev/null 2>&1; then
    check "API reference" doxygen docs/Doxyfile
else
    echo "skipped API reference: no doxygen"
fi
if [ $failed -ne 0 ]; then
    echo "lint: $failed checks failed"
    exit 1
fi
echo "lint: all checks passed"
