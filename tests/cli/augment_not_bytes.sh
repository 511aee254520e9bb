fovea data augment mnist-12k --augment normalise --limit 1 --out set
