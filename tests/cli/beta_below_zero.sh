fovea train lenet5 --data mnist-12k --out run --set optimizer.beta1=-0.1
