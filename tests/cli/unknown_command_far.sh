fovea xyzzy
