fovea train lenet5 --data mnist-12k --out run --schedule piecewise --set schedule.points='0:1 9:x'
