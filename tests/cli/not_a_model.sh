echo 'this is not a model, but long enough to be asked' > model.safetensors
fovea eval model.safetensors --data mnist-12k
