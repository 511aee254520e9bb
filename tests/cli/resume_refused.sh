# needs: images
# What a run cannot go on with, each time with nothing changed.
fovea train lenet5 --data mnist-12k --out run --epochs 1 --batch 2000 --json > /dev/null
find run -type f | sort | xargs cat | cksum > before
try() { fovea "$@" > /dev/null; echo "status $?"; }
try train --resume run --epochs 2 --batch 100
try train --resume run --set train.seed=2
try train lenet5 --resume run
try train --resume nowhere
try train lenet5 --data mnist-12k --out run
try train --resume run/model.safetensors
sed 's/batch: 2000/batch: 100/' run/config.yaml > changed && cp run/config.yaml kept && cp changed run/config.yaml
try train --resume run
cp kept run/config.yaml
find run -type f | sort | xargs cat | cksum | cmp - before && echo nothing has changed
