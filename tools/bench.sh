#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# bench.sh - the figures of docs/performance.md on this machine: three networks, the convolutions that are watched, pass by
# pass, with the share of this machine's peak; how long the command takes to start; and where $PYTHON (python3) has PyTorch, the convolutions beside it.
# $FOVEA: the command (default build/release/fovea); $BENCH_SECONDS: time for each thing that is measured (default 0.5).
set -eu
cd "$(dirname "$0")/.."
fovea=${FOVEA:-build/release/fovea}
seconds=${BENCH_SECONDS:-0.5}
python=${PYTHON:-python3}

for network in lenet5 convnetjs-mnist convnetjs-cifar10; do
    "$fovea" bench $network --seconds "$seconds"
    echo
done

# kernel, channels in and out, side: batch 16, float32
while read -r problem what; do
    echo "$what"
    "$fovea" bench --problem "conv:n16$problem" --seconds "$seconds"
    echo
done <<'END'
c64h56k64r3p1 3x3, 64 to 64 channels, 56x56
c128h28k128r3p1 3x3, 128 to 128 channels, 28x28
c256h14k256r3p1 3x3, 256 to 256 channels, 14x14
c1024h14k256r1 1x1, 1024 to 256 channels, 14x14
c256h56k64r1 1x1, 256 to 64 channels, 56x56
c3h224k64r7p3u2 7x7, stride 2, 3 to 64 channels, 224x224
c3h227k96r11u4 11x11, stride 4, 3 to 96 channels, 227x227
END

# Starting: the best of 40, because a busy machine only ever makes it slower. Wanted: under 10 ms.
best=
for _ in $(seq 40); do
    start=$(date +%s%N)
    "$fovea" info > /dev/null
    took=$((($(date +%s%N) - start) / 1000))
    if [ -z "$best" ] || [ $took -lt $best ]; then best=$took; fi
done
echo "fovea info starts and ends in $best microseconds"
echo

if "$python" -c 'import torch' 2>/dev/null; then
    "$python" bench/peers/compare_conv.py --fovea "$fovea"
    echo "Whole networks beside PyTorch, ONNX Runtime and OpenVINO: make bench-peers"
else
    echo "Beside PyTorch, where a Python has it (bench/peers/README.md):"
    echo "    python3 -m venv ~/peers && ~/peers/bin/pip install torch"
    echo "    make bench PYTHON=~/peers/bin/python"
fi
