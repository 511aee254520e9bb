fovea summary lenet5
