fovea train lenet5 --data mnist-12k --out run --set data.label_noise=1.5
