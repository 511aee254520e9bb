fovea train lenet5 --data mnist-12k --out run --augment "shift(2"
