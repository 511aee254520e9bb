# needs: images
fovea data pack mnist-12k --to digits.pack --threads 1
fovea data info digits.pack | head -n 5
fovea verify digits.pack
fovea data pack digits.pack --to digits.pack
echo status $?
fovea data pack nowhere --to x.pack
echo status $?
head -c 5000000 digits.pack > cut.pack
fovea data info cut.pack
echo status $?
printf 'FVPACK\r\n\002\000\000\000' > new.pack
head -c 600 /dev/zero >> new.pack
fovea data info new.pack
echo status $?
printf '\001' | dd of=digits.pack bs=1 seek=4000 conv=notrunc 2> /dev/null
fovea verify digits.pack
echo status $?
ls
