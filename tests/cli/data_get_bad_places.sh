printf x > file
fovea data get mnist --to file
echo status $?
fovea data get mnist --to sets --mirror nowhere
echo status $?
fovea data get mnist-12k
echo status $?
