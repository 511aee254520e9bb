fovea train lenet-5 --data mnist-12k --out run
