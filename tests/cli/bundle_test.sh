#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# bundle_test.sh - one file that classifies images: answers as fovea predict does, from another folder too, and sees damage.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$FOVEA" export lenet5 --seed 1 --to model --out model.safetensors >/dev/null
printf 'P5 28 28 255\n' >digit.pgm
head -c 784 "$FOVEA" >>digit.pgm
"$FOVEA" predict model.safetensors digit.pgm --top 3 >wanted
"$FOVEA" bundle model.safetensors --out app >said
grep -q 'wrote app .*lenet5' said
mkdir elsewhere
mv app elsewhere/classify
rm model.safetensors
elsewhere/classify digit.pgm --top 3 >got
cmp wanted got
elsewhere/classify --help | grep -q '^classify .*FILE'
if elsewhere/classify >/dev/null; then
    echo 'without images it should be a mistake of usage'
    exit 1
fi
# A byte of the model, some way before the trailer.
size=$(wc -c <elsewhere/classify)
printf '\377' | dd of=elsewhere/classify bs=1 seek=$((size - 5000)) conv=notrunc 2>/dev/null
if elsewhere/classify digit.pgm 2>message; then
    echo 'a damaged model was used'
    exit 1
fi
grep -q 'damaged' message
