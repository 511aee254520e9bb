fovea train lenet5 --data mnist-12k --out run --set data.per_class=10 --set data.fraction=0.5
