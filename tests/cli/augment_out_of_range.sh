fovea data preview mnist-12k --augment "rotate(400)"
