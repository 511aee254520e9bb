fovea train lenet5 --data ./nowhere --out run
status=$?
ls
exit $status
