fovea help
