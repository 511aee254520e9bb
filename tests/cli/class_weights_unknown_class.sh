fovea train lenet5 --data mnist-12k --out run --class-weights 'ten=2'
