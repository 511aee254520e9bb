# needs: images
fovea data preview mnist-12k --augment "flip rotate(180)" --samples 1 --draws 1 --out sheet.png
