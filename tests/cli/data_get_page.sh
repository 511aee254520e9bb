# A page where the file shall be is told, and left alone.
mkdir -p sets/mnist
printf '<!DOCTYPE html><html><body>404</body></html>' > sets/mnist/train-images-idx3-ubyte.gz
fovea data get mnist --to sets
echo status $?
printf 'mine' > sets/mnist/train-images-idx3-ubyte.gz
fovea data get mnist --to sets
echo status $?
ls sets/mnist
