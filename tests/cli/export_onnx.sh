# needs: onnx
fovea export lenet5-1998 --seed 3 --to onnx --out net.onnx | sed 's|, [0-9,]* bytes||'
fovea export cifar-resnet-20 --seed 3 --to onnx --keep-batch-norm --softmax --opset 7 --out net.onnx | sed 's|, [0-9,]* bytes||'
fovea export lenet5 --seed 3 --to onnx --opset 6 --out net.onnx | sed 's|, [0-9,]* bytes||'
mkdir folder
fovea export lenet5 --seed 3 --to onnx --out folder
