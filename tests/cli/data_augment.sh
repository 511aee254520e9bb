fovea data augment mnist-12k --augment "elastic rotate(10)" --copies 2 --limit 20 --out set
fovea data augment mnist-12k --augment flip --out set
fovea data augment mnist-12k --augment "elastic rotate(10)" --copies 2 --limit 20 --out set.pack
fovea data info set.pack | head -n 4
fovea data pack set --to same.pack
cmp -s set.pack same.pack && echo the same images
