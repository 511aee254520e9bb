fovea train lenet5 --data mnist-12k --out run --epochs 1 --set data.per_class=2 > /dev/null
fovea train run/model.safetensors --data mnist-12k --out again --initial lsuv
