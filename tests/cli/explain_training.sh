# As train runs it: weights are updated within backward, and under a limit segments are computed again.
fovea explain convnetjs-mnist --batch 2 --threads 1 | grep -E 'updated|update$' | sed 's/.*weight/weight/'
fovea explain cifar-resnet-20 --batch 32 --threads 1 --memory-limit 40M | sed -n '/computed again/,$p' | sed 's/:.*//' | head -2
fovea explain cifar-resnet-20 --batch 32 --threads 1 --mode evaluate | grep -c 'updated' || true
