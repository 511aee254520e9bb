fovea train --data mnist-12k --out run
