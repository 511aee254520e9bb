#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# example_test.sh - the program in README.md and in the first comment of fovea.h is examples/train_digits.c, and that works; so do the other
# examples, each of fewer than 80 lines.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
program() { grep -v '^$' | sed 's/ *$//'; }
sed '/^ *\/\*/d; /^ \*/d' "$FOVEA_SOURCE/examples/train_digits.c" | program > "$work/example"
sed -n '/^```c$/,/^```$/p' "$FOVEA_SOURCE/README.md" | sed '/^```/d' | program > "$work/readme"
sed -n '/^ \*   #include/,/^ \*   }$/p' "$FOVEA_SOURCE/include/fovea/fovea.h" | sed 's/^ \*\( \{3\}\)\{0,1\}//' | program > "$work/header"
diff "$work/example" "$work/readme"
diff "$work/example" "$work/header"
[ "$(wc -l < "$FOVEA_SOURCE/examples/train_digits.c")" -le 40 ]
cd "$work"
"$FOVEA_BUILD/examples/train_digits" > printed
cat printed
tail -1 printed | grep -q '^epoch 3: 9[0-9]\.'
"$FOVEA" eval digits.safetensors --data mnist-12k > measured
head -1 measured

for program in "$FOVEA_SOURCE"/examples/*.c*; do
    [ "$(wc -l < "$program")" -lt 80 ] || { echo "$program has 80 lines or more"; exit 1; }
done
examples=$FOVEA_BUILD/examples
"$examples/train_arrays" | grep -q '^100\.0% of the training images'
"$examples/custom_layer" | grep -q '^gradients differ .*e-'
"$examples/dataset_callbacks" | tail -1 | grep -q '^epoch 2: \(100\|9[0-9]\)\.'
[ "$("$examples/shared_plan")" = '4 threads, 50 requests each, 4 of them with the same scores' ]

# The first image of the export is a 7 to the command and to both programs.
image=$("$FOVEA" data export mnist-12k --out digits --each 1 | grep '/7' | head -1)
class=$("$examples/classify_image" digits.safetensors "$image" | sed 's/^class \([0-9]*\) .*/\1/')
[ "$class" = 7 ]
"$examples/fine_tune" digits.safetensors > tuned
grep -q '^8 parameters loaded, 2 made anew$' tuned
tail -1 tuned | grep -q '^9[0-9]\..% of the test images are right$'
if [ -x "$examples/embed" ]; then
    "$examples/embed" digits.safetensors "$image" | grep -q 'class 7, '
    if "$examples/embed" nowhere.safetensors 2> said; then exit 1; fi
    grep -q nowhere said
fi
