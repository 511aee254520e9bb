# needs: images
fovea data export mnist-12k --out digits --each 1
for file in digits/*/*.png; do head -c 8 $file | od -An -c | tr -d '\n '; echo; done | sort | uniq -c | sed 's/^ *//'
