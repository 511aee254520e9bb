fovea help train > /dev/full
