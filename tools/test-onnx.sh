#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# test-onnx.sh - make test-onnx: what fovea exports, checked by ONNX's checker and run by ONNX Runtime beside fovea. Every layer type alone, at
# eight versions of the operators; networks of the zoo up to MOST million multiply-adds (100), folded and with batch normalisation.
# Installs onnx and onnxruntime from PyPI into build/test-onnx, unless $PYTHON is an interpreter that has them.
#   MOST=1000 make test-onnx        more networks (reference kernels take a while)
#   NETWORK=vgg-d make test-onnx    one
set -eu
cd "$(dirname "$0")/.."
build=${BUILD:-build/release}
if [ -z "${PYTHON:-}" ]; then
    PYTHON=build/test-onnx/bin/python
    if [ ! -x "$PYTHON" ]; then
        python3 -m venv build/test-onnx
    fi
    "$PYTHON" -c 'import onnx, onnxruntime' 2>/dev/null || "$PYTHON" -m pip install --quiet onnx onnxruntime
fi
cases=$(mktemp -d)
trap 'rm -rf "$cases"' EXIT
cmake --build "$build" --target test_interchange_onnx_write >/dev/null
FOVEA_ONNX_CASES=$cases FOVEA_ONNX_MOST=${MOST:-} FOVEA_ONNX_NETWORK=${NETWORK:-} "$build/tests/interchange/onnx_write_test" >"$cases/log" 2>&1 ||
    { cat "$cases/log"; exit 1; }
"$PYTHON" tools/test-onnx.py "$cases" --table
