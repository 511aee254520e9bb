fovea data preview mnist-12k --augment "shift(2), cutout(sise=3)"
