fovea export lenet5 --seed 1 --to c --out net
fovea export lenet5 --seed 1 --to c --arithmetic int8 --blob --out net
fovea export lenet5 --seed 1 --to c --name 5net --out net
fovea export lenet5 --seed 1 --to c --arithmetic fixed --out net
