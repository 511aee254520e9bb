# needs: images
# No file may grow beyond 128 blocks of 512 bytes: the log fits, the model of 250 kB does not. The old model must stay.
mkdir run
echo kept > run/model.safetensors
trap '' XFSZ
ulimit -f 128
fovea train lenet5 --data mnist-12k --out run --epochs 1 --batch 500 --overwrite --json > /dev/null
status=$?
cat run/model.safetensors
ls run
exit $status
