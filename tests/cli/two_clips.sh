fovea train lenet5 --data mnist-12k --out run --clip-norm 1 --set optimizer.clip_value=1
