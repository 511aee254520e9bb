#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# demo.sh - from pixels to a trained, saved, reloaded and used network in under half a minute.
# $FOVEA: the command (default build/release/fovea); $1: the folder to write (default runs/demo).
set -eu
fovea=${FOVEA:-build/release/fovea}
run=${1:-runs/demo}
data=mnist-12k

say() {
    printf '\n== %s\n\n' "$1"
}

say "LeNet-5 learns handwritten digits: 10,000 images of $data, seed 1"
"$fovea" train lenet5 --data $data --out "$run" --seed 1 --overwrite

say "a second process reads the model and measures it on the 2,000 images that it has not seen"
"$fovea" eval "$run/model.safetensors" --data $data --mistakes 10

say "one image of each digit as a PNG file, and what the network says it is"
"$fovea" data export $data --out "$run/digits" --each 1 > "$run/digits.txt"
# One path a line, none with blanks unless the folder has them.
(IFS='
'; set -f; "$fovea" predict "$run/model.safetensors" --top 3 $(sort "$run/digits.txt"))

say "what to try next"
cat <<END
  $fovea help                      all commands
  $fovea predict $run/model.safetensors YOUR.png
                                   a digit of your own: 28x28 pixels, white on black
  $fovea summary lenet5            the layers that just learned
  $fovea explain lenet5            how they are run on this machine
  $fovea train convnetjs-mnist --data $data --out runs/second
                                   another network
  examples/train_digits.c          the same from C, in 40 lines
  make test                        everything that is checked
END
