fovea data augment mnist-12k --augment "standardise gaussian_noise" --out set
