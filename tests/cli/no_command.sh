fovea
