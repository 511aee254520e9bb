fovea summary lenet5 convnetjs-mnist
