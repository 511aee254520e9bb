fovea data corrupt mnist-12k
