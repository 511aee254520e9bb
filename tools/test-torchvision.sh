#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# test-torchvision.sh [PATTERN] - make test-torchvision: weights of torchvision and timm give the same answers here, and go back. For networks whose
# names match PATTERN. Installs PyTorch, torchvision and timm from PyPI into build/torchvision (gigabytes), unless $PYTHON is an interpreter that has them;
# without timm its names are left out.
set -eu
cd "$(dirname "$0")/.."
build=${BUILD:-build/release}
if [ -z "${PYTHON:-}" ]; then
    PYTHON=build/torchvision/bin/python
    if [ ! -x "$PYTHON" ]; then
        python3 -m venv build/torchvision
    fi
    "$PYTHON" -c 'import torchvision, timm, safetensors' 2>/dev/null || "$PYTHON" -m pip install --quiet torch torchvision timm safetensors
fi
cmake --build "$build" --target fovea_shared
${CC:-cc} -std=c17 -O2 -Iinclude tools/weights-logits.c -L"$build" -lfovea -Wl,-rpath,"$(realpath "$build")" -o "$build/weights-logits"
"$PYTHON" tools/test-torchvision.py "$build/weights-logits" "${1:-*}"
