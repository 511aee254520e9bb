fovea trian lenet5
