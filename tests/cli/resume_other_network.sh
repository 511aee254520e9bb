# needs: images
# The checkpoint of another network in the folder of a run. Then the file of its network is moved, and told where it is now.
for units in 3 4; do
    printf 'input: [1, 28, 28]\nlayers:\n  - max_pool2d: {kernel: 7, stride: 7}\n  - dense: {units: %s}\n  - dense: {units: 10}\n' $units > net$units.yaml
    fovea train net$units.yaml --data mnist-12k --out run$units --epochs 1 --batch 2000 --json > /dev/null
done
cp run4/checkpoints/step-000000000005.safetensors run3/checkpoints/step-000000000006.safetensors
fovea train --resume run3 --epochs 2; echo "status $?"
rm run3/checkpoints/step-000000000006.safetensors
fovea train --resume run3 --set model.network=net4.yaml; echo "status $?"
mv net3.yaml moved.yaml
fovea train --resume run3; echo "status $?"
fovea train --resume run3 --epochs 2 --set model.network=moved.yaml --json > /dev/null; echo "status $?"
fovea verify run3 | sed -E 's/[0-9.]+ kB, weights .*//; s/ to [0-9.e-]+ of the largest.*//'
