# needs: images
# The text, and the description, which reads back to itself.
fovea zoo show lenet5
fovea zoo show lenet5 --yaml > lenet5.yaml
cat lenet5.yaml
fovea zoo show lenet5.yaml --yaml | diff - lenet5.yaml | grep -v "^>" 
