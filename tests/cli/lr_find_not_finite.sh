fovea lr-find lenet5 --data mnist-12k --low 1e5 --high 1e6 --steps 20 2>&1 | cut -d' ' -f1-10
