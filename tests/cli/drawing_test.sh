#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# drawing_test.sh - fovea summary --dot --out through Graphviz: files of each kind, with all that a drawing may show, of networks
# with branches, heads and layers that compute in stages. What the drawings hold: tests/graph/dot_test.c.
set -eu
if ! command -v dot >/dev/null 2>&1; then
    echo "skipped: Graphviz's program dot is not installed"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# draw NETWORK KIND FIRST_BYTES [OPTION...]
draw() {
    network=$1 kind=$2 first=$3 file=$work/drawing.$2
    shift 3
    rm -f "$file"
    said=$("$FOVEA" summary "$network" --dot "$@" --out "$file" 2>&1)
    if [ -n "$said" ]; then
        echo "$network $kind $*: $said"
        exit 1
    fi
    if ! head -c 400 "$file" | LC_ALL=C grep -aq "$first"; then
        echo "$network: '$file' does not begin as $kind does"
        exit 1
    fi
}

draw lenet5 png PNG
draw lenet5 pdf %PDF
draw bn-mlp-3x100 svg '<svg' --inside
draw googlenet svg '<svg' --inside --backward
grep -q 'backward of' "$work/drawing.svg"
draw cifar-resnet-20 png PNG --inside --backward
# A folder that is not there is a failure.
if "$FOVEA" summary lenet5 --dot --out "$work/none/drawing.svg" >/dev/null 2>&1; then
    echo "a drawing into a folder that is not there succeeded"
    exit 1
fi
