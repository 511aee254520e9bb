fovea bench --problem conv:n16c64h56k64r99
