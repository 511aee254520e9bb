// SPDX-License-Identifier: Apache-2.0
// fovea in a C++ program: handles that release themselves, errors as exceptions. embed MODEL [IMAGE]...
//   c++ -std=c++17 embed.cpp $(pkg-config --cflags --libs fovea)
#include "fovea/fovea.h"
#include <algorithm>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

template <typename T, void (*release)(T *)> struct Release {
    void operator()(T *handle) const { release(handle); }
};
using Context = std::unique_ptr<fv_context, Release<fv_context, fv_context_destroy>>;
using Model = std::unique_ptr<fv_model, Release<fv_model, fv_model_destroy>>;
using Predictor = std::unique_ptr<fv_predictor, Release<fv_predictor, fv_predictor_destroy>>;

class Classifier {
public:
    explicit Classifier(const std::string &path)
    {
        fv_context *context = nullptr;
        check(fv_context_create(&context, nullptr));
        context_.reset(context);
        fv_model *model = nullptr;
        check(fv_model_read(&model, context, path.c_str()));
        model_.reset(model);
        fv_predictor *predictor = nullptr;
        check(fv_predictor_create(&predictor, fv_model_params(model), 1));
        predictor_.reset(predictor);
    }

    std::vector<float> probabilities(const std::string &image)
    {
        const fv_preprocess *preprocess = fv_model_preprocess(model_.get());
        const fv_image_shape input = preprocess->input;
        std::vector<float> pixels(static_cast<size_t>(input.c) * static_cast<size_t>(input.h * input.w));
        check(fv_preprocess_file(context_.get(), preprocess, image.c_str(), pixels.data()));
        fv_batch batch = {};
        batch.n = 1;
        batch.images = pixels.data();
        batch.order = FV_NHWC;
        std::vector<float> result(static_cast<size_t>(fv_predictor_classes(predictor_.get())));
        check(fv_predictor_run(predictor_.get(), &batch, result.data()));
        return result;
    }

private:
    void check(fv_status status) const
    {
        if (status != FV_OK)
            throw std::runtime_error(std::string(fv_status_name(status)) + ": " +
                                     (context_ ? fv_context_message(context_.get()) : "no context"));
    }

    Context context_; // released last
    Model model_;
    Predictor predictor_;
};

} // namespace

int main(int argc, char **argv)
try {
    Classifier classifier(argc > 1 ? argv[1] : "digits.safetensors");
    for (int i = 2; i < argc; i++) {
        const std::vector<float> p = classifier.probabilities(argv[i]);
        const auto best = std::max_element(p.begin(), p.end());
        std::cout << argv[i] << ": class " << best - p.begin() << ", " << 100 * *best << "%\n";
    }
} catch (const std::exception &error) {
    std::cerr << error.what() << '\n';
    return 1;
}
