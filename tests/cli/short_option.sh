fovea train lenet5 -d mnist-12k
fovea export cifar-resnet-20 --seed 1 --to model -o
fovea export lenet5 --seed 1 --to model -o short.safetensors && fovea summary short.safetensors | tail -n 3 | head -n 1
fovea info -o x
