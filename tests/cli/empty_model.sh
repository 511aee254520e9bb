: > model.safetensors
fovea eval model.safetensors --data mnist-12k
