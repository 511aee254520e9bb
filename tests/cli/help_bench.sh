fovea help bench
