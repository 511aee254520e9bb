fovea train lenet5 --out run
