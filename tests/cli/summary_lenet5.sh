fovea summary lenet5 | sed 's/\(at batch [0-9]*: \).*/\1.../'
