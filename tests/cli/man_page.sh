fovea help --man > page
head -3 page
grep -c '^\.SS' page
grep -n 'epochs N' page | head -1 | cut -d: -f2-
