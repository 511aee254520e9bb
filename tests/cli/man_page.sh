fovea help --man > page
head -3 page
fovea help --man train > train
sed -n 3,6p train
grep -n 'epochs N' train | head -1 | cut -d: -f2-
fovea help --man-pages pages
ls pages/fovea.1 pages/fovea-train.1 pages/fovea-data-info.1
