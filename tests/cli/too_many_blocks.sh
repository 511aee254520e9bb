fovea train lenet5 --data mnist-12k --out run --batch 4 --blocks 8
