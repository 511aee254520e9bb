fovea data corrupt mnist-12k --kind fogg --out set
