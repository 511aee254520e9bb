# needs: images
mkdir digits
for part in train t10k; do
    printf '<!DOCTYPE html><html><body>404 Not Found</body></html>' > digits/$part-images-idx3-ubyte.gz
    printf '<!DOCTYPE html><html><body>404 Not Found</body></html>' > digits/$part-labels-idx1-ubyte.gz
done
fovea train lenet5 --data digits --out run
status=$?
ls
exit $status
