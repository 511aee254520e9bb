# needs: images
fovea train lenet5 --data mnist-12k --out run --epochs 1 --batch 2000 --json > /dev/null
fovea verify run/model.safetensors --json | sed 's/:[0-9][-0-9.e]*\([,}]\)/:N\1/g; s/"[0-9a-f]\{16\}"/"H"/g'
printf X | dd of=run/model.safetensors bs=1 seek=200000 conv=notrunc 2> /dev/null
echo '{"epoch":3}' >> run/log.jsonl
fovea verify run 2>&1 | sed -E 's/[0-9.]+ kB, weights .*//; s/[0-9a-f]{16}/H/g'
fovea verify run/model.safetensors > /dev/null 2>&1
echo "status $?"
printf "no model, but a text of more than ten bytes" > text
fovea verify text nowhere
