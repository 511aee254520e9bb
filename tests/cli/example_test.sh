#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# example_test.sh - the program in README.md and in the first comment of fovea.h is examples/train_digits.c, and that works.
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
