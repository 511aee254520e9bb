# needs: images
# A run that was killed at any moment of its beginning: before its config.yaml it is begun again, behind it gone on with.
printf 'input: [1, 28, 28]\nlayers:\n  - max_pool2d: {kernel: 7, stride: 7}\n  - dense: {units: 10}\n' > net.yaml
begin() { fovea train net.yaml --data mnist-12k --out "$@" --epochs 1 --batch 2000 --json > /dev/null; echo "status $?"; }
begin whole
check() { cmp whole/model.safetensors run/model.safetensors && echo the same; }
mkdir run # nothing but the folder
fovea train --resume run; echo "status $?"
begin run; check
rm -r run/checkpoints run/model.safetensors run/log.jsonl # config.yaml alone
fovea train --resume run --json > /dev/null; echo "status $?"; check
rm -r run/checkpoints run/model.safetensors
begin run; check # begun anew
rm run/checkpoints/* run/model.safetensors # an empty folder of checkpoints
: > run/checkpoints/step-000000000000.safetensors.partial-77-0
begin run
fovea train --resume run --json > /dev/null; echo "status $?"; check
ls run/checkpoints
rm run/model.safetensors run/log.jsonl # killed between the last checkpoint and its model
fovea train --resume run --json > /dev/null; echo "status $?"; check
# What is not the folder of a run.
for path in nowhere net.yaml run/checkpoints run/checkpoints/ run/checkpoints/best.safetensors run/model.safetensors run/config.yaml .; do
    fovea train --resume $path 2>&1 | head -1
done
printf 'train: {epocs: 3}\n' > run/config.yaml
fovea train --resume run 2>&1 | head -1
