fovea predict lenet5 image.png
