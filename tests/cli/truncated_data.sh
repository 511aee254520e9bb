# needs: images
mkdir digits
cp "$FOVEA_SOURCE"/data/mnist-12k/*.gz digits
head -c 100000 digits/train-images-idx3-ubyte.gz > short
mv -f short digits/train-images-idx3-ubyte.gz
fovea train lenet5 --data digits --out run
