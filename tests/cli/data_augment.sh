fovea data augment mnist-12k --augment "elastic rotate(10)" --copies 2 --limit 20 --out set
fovea data augment mnist-12k --augment flip --out set
