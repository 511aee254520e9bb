fovea train lenet5 -d mnist-12k
