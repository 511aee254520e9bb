# needs: archives
# CIFAR-10 as it is downloaded: one .tar.gz.
mkdir cifar-10-batches-bin
for file in data_batch_1 data_batch_2 data_batch_3 data_batch_4 data_batch_5 test_batch; do
    for label in 000 001 002 003 004 005 006 007 010 011; do
        printf "\\$label"
        head -c 3072 /dev/zero
    done > cifar-10-batches-bin/$file.bin
done
tar -czf cifar-10-binary.tar.gz cifar-10-batches-bin
rm -r cifar-10-batches-bin
fovea train convnetjs-cifar10 --data cifar-10-binary.tar.gz --out run --epochs 1 >train.txt || exit 1
fovea eval run/model.safetensors --data cifar-10-binary.tar.gz --json | grep -o '"samples":[0-9]*' | head -n 1
echo '<html>moved</html>' >cifar-10-binary.tar.gz
fovea eval run/model.safetensors --data cifar-10-binary.tar.gz
