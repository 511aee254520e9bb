fovea data get cifar10
