# needs: images
# What a run may go on with another value of, and what not: the key, what it was and what was wished; nothing changes.
net='input: [1, 28, 28]\nlayers:\n  - max_pool2d: {kernel: 7, stride: 7}\n  - dropout: {drop: 0.1}\n  - dense: {units: 10}\n'
printf "$net" > net.yaml
fovea train net.yaml --data mnist-12k --out run --epochs 2 --batch 1000 --lr 0.1 --schedule constant --json > /dev/null
find run -type f | sort | xargs cat | cksum > before
try() { fovea train --resume run --json "$@" 2>&1 | head -1 | sed 's/ a run goes on with what it began with, but.*/ .../'; }
try --batch 2000
try --lr 0.2
try --seed 2
try --shift 1
try --flip
try --momentum 0.5
try --decay 0
try --optimizer adam
try --schedule cosine
try --warmup 1
try --blocks 2
try --precision bf16-emulated
try --population
try --clip-norm 1
try --augment 'cutout(size=3)'
try --average equal
try --groups '*.bias(frozen)'
try --tune fast
try --bad skip
try --classes 11
try --set optimizer.l1=0.1
try --set schedule.final=0.5
find run -type f | sort | xargs cat | cksum | cmp - before && echo nothing has changed
# The same in other words is no change.
try --lr 0.10 --batch 1000 --seed 1 --data mnist-12k
find run -type f | sort | xargs cat | cksum | cmp - before && echo nothing has changed
fovea train net.yaml --data mnist-12k --out whole --epochs 3 --batch 1000 --lr 0.1 --schedule constant --json > /dev/null
fovea train --resume run --epochs 3 --threads 2 --workers 2 --ahead 3 --patience 9 --metric train-loss --on-nan skip \
    --mem 1GB --memory-limit 900MB --keep-activations --keep-checkpoints 3 --checkpoint-steps 4 --checkpoint-minutes 1 --json > /dev/null
echo "status $?"
cmp whole/model.safetensors run/model.safetensors && echo the same
