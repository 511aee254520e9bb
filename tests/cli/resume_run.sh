# needs: images
# Two epochs, one more, and nothing left: the same log and the same model as three in one go, where the rate is constant.
run() { fovea train "$@" --json > /dev/null || echo "status $?"; }
run lenet5 --data mnist-12k --out whole --epochs 3 --batch 1000 --schedule constant --threads 2
run lenet5 --data mnist-12k --out parts --epochs 2 --batch 1000 --schedule constant --threads 1
run --resume parts --epochs 3
run --resume parts
lines() { sed -E 's/"(images_per_second|seconds)":[^,]*,//g' "$1"; }
lines whole/log.jsonl > one; lines parts/log.jsonl > other
cmp one other && cmp whole/model.safetensors parts/model.safetensors && echo the same
fovea train --resume parts | tail -n 1
# The log lost its last lines, gained a cut one, and the newest checkpoint is damaged.
head -n 1 parts/log.jsonl > log && printf '{"epoch":2,' >> log && mv log parts/log.jsonl
head -c 300000 parts/checkpoints/step-000000000030.safetensors > cut && mv cut parts/checkpoints/step-000000000030.safetensors
fovea train --resume parts --json 2>&1 > /dev/null | sed 's/section of [0-9]*/section of N/'
lines parts/log.jsonl > other
cmp one other && cmp whole/model.safetensors parts/model.safetensors && echo the same again
fovea verify parts | sed -E 's/[0-9.]+ kB, weights .*//; s/ to [0-9.e-]+ of the largest.*//'
