fovea data augment mnist-12k --augment "translate(fill=reflct)" --out set
