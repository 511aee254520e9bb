#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# guide_test.sh - the commands of docs/guide.md, one after another in an empty folder: each must succeed; and what the last ones say.
set -eu
if ! "$FOVEA" info | grep -q libyaml || ! "$FOVEA" info | grep -q libpng; then
    echo "skipped: descriptions need libyaml, images libpng"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
ln -s "$FOVEA" "$work/bin/fovea"
PATH=$work/bin:$PATH
sed -n '/^```sh$/,/^```$/p' "$FOVEA_SOURCE/docs/guide.md" | sed '/^```/d' > "$work/commands"
[ "$(grep -c '^fovea ' "$work/commands")" -ge 12 ]
cd "$work"
sh -eu commands > printed 2>&1 || { tail -20 printed; exit 1; }
"$FOVEA" predict runs/first/model.safetensors digits/7/00000.png --json | grep -q '"class": *"\{0,1\}7'
