fovea help sumary
