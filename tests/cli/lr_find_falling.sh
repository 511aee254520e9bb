fovea lr-find lenet5 --data mnist-12k --low 1 --high 0.1
