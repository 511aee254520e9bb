fovea eval --help
