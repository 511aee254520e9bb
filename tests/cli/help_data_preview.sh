fovea help data preview
