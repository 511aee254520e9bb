fovea data preview --list
