fovea train lenet5 --data mnist-12k --out run --class-weights '3=two'
