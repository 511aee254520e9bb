# needs: images
# One damaged image among a thousand: named, or skipped with a warning; also when statistics are taken at the end. Then one that is a pipe, and
# one that is text.
mkdir -p set/train/a set/train/b set/test/a set/test/b
for i in $(seq 100 599); do
    printf 'P5 4 4 255\nabcdefghijkl%s ' $i > set/train/a/$i.pgm
    printf 'P5 4 4 255\n%s mnopqrstuvwx' $i > set/train/b/$i.pgm
done
cp set/train/a/100.pgm set/test/a; cp set/train/b/100.pgm set/test/b
printf 'input: [1, 4, 4]\nlayers:\n  - conv2d: {filters: 2, kernel: 3}\n  - batch_norm\n  - dense: {units: 2}\n' > net.yaml
printf 'P5 4 4 255\nabcdefgh' > set/train/b/333.pgm
try() {
    rm -rf run
    fovea train net.yaml --data set --out run --epochs 1 --json "$@" > /dev/null
    echo "status $?"
}
try
try --workers 2
try --bad skip
try --bad skip --workers 3 --population
rm set/train/b/333.pgm && mkfifo set/train/b/333.pgm
try
rm set/train/b/333.pgm && echo 'no image' > set/train/b/333.pgm
try
rm set/train/b/333.pgm && mkdir set/train/b/333.pgm
try
