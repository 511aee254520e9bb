# needs: images
# The disk fills in the second epoch: the run ends with status 1 and says how it goes on; what it saved stays, and it ends as one that had room.
trap '' XFSZ
run() { fovea train "$@" --json > /dev/null; echo "status $?"; }
run lenet5 --data mnist-12k --out whole --epochs 2 --batch 2000 --schedule constant
run lenet5 --data mnist-12k --out run --epochs 1 --batch 2000 --schedule constant
(ulimit -f 128; run --resume run --epochs 2)
ls run/checkpoints
fovea verify run | sed -E 's/[0-9.]+ kB, weights .*//; s/ to [0-9.e-]+ of the largest.*//'
run --resume run --epochs 2
cmp whole/model.safetensors run/model.safetensors && echo the same
