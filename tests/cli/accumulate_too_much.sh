fovea train lenet5 --data mnist-12k --out run --batch 1024 --accumulate 100
