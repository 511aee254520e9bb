fovea data corrupt mnist-12k --kind shot_noise --severity 2 --limit 10 --out set
fovea data corrupt mnist-12k --kind shot_noise --severity 2 --limit 10 --out set
