fovea export cifar-resnet-20 --seed 3 --to model --out folded.safetensors
fovea summary folded.safetensors | tail -n 3 | head -n 1
fovea export folded.safetensors --to model --out again.safetensors && cmp folded.safetensors again.safetensors && echo the same
fovea export cifar-resnet-20 --seed 3 --to model --keep-batch-norm --out whole.safetensors
fovea export folded.safetensors --seed 3 --to model --out again.safetensors
fovea export cifar-resnet-20 --to model --out again.safetensors
mkdir folder
fovea export folded.safetensors --to model --out folder
