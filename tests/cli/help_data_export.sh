fovea help data export
