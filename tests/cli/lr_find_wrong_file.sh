fovea lr-find lenet5 --data mnist-12k --plot rates.jpg
