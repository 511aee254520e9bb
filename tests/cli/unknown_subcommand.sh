fovea data exprot mnist-12k
