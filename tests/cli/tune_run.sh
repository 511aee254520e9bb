# A tuned run writes its choices; keeping to them gives the same bits.
export XDG_CACHE_HOME=$PWD/cache FOVEA_DATA=$FOVEA_SOURCE/data
fovea train convnetjs-mnist --data mnist-12k --epochs 1 --tune fast --out a --json >a.log 2>/dev/null
fovea train convnetjs-mnist --data mnist-12k --epochs 1 --choices a/tuning.json --out b --json --threads 1 >b.log
hash() { grep -o '"weights_hash":"[0-9a-f]*"' "$1"; }
[ "$(hash a.log)" = "$(hash b.log)" ] && [ -n "$(hash a.log)" ] && echo the same weights
for run in a b; do grep -v machine $run/tuning.json >$run.choices; done # it tells the threads
cmp a.choices b.choices && echo the same choices
# The choices are in the checkpoints too.
rm a/tuning.json
fovea train --resume a --epochs 2 --json > /dev/null && grep -v machine a/tuning.json | cmp - b.choices && echo kept in the checkpoint
