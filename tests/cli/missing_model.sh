fovea eval nothing.safetensors --data mnist-12k
