fovea explain lenet5 --choices nowhere.json
