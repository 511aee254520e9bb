fovea help --man > page
head -3 page
grep -c '^\.SS' page
grep -n 'epochs' page | head -1 | cut -d: -f2-
