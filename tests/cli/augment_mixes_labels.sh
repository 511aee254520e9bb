fovea data augment mnist-12k --augment mixup --out set
