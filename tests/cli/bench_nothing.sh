fovea bench
