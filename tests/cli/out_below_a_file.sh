# needs: images
echo kept > file
fovea train lenet5 --data mnist-12k --out file/run
status=$?
cat file
exit $status
