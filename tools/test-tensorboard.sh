#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# test-tensorboard.sh - make test-tensorboard: the real TensorBoard opens run folders. Trains, stops, goes on, and has tools/test-tensorboard.py look at
# them through TensorBoard's own readers and through a server. Installs TensorBoard from PyPI into build/tensorboard, unless $PYTHON is an
# interpreter that has it.
set -eu
cd "$(dirname "$0")/.."
fovea=$(realpath "${FOVEA:-build/release/fovea}")
if [ -z "${PYTHON:-}" ]; then
    PYTHON=build/tensorboard/bin/python
    if [ ! -x "$PYTHON" ]; then
        python3 -m venv build/tensorboard
    fi
    "$PYTHON" -c 'import tensorboard' 2>/dev/null || "$PYTHON" -m pip install --quiet tensorboard
fi
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
"$fovea" train lenet5 --data mnist-12k --epochs 3 --out "$runs/whole" >/dev/null
# Stopped in the middle of the second epoch, killed behind that, gone on with.
"$fovea" train lenet5 --data mnist-12k --epochs 3 --checkpoint-steps 100 --out "$runs/parts" >/dev/null &
run=$!
tries=0
until [ -n "$(find "$runs/parts/checkpoints" -name 'step-0000000002*' 2>/dev/null)" ] || [ $tries -gt 600 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
sleep 0.2
kill -9 $run 2>/dev/null || true
wait $run 2>/dev/null || true
"$fovea" train --resume "$runs/parts" >/dev/null
"$PYTHON" tools/test-tensorboard.py "$runs" whole parts
