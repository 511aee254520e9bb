/* SPDX-License-Identifier: Apache-2.0
 *
 * mlp.c - networks of dense layers alone.
 * mlp-1x512, mlp-3x512: Zhang, Bengio, Hardt, Recht, Vinyals 2017 (arXiv:1611.03530), appendix A: ReLU.
 * dropout-mlp-800: Hinton, Srivastava, Krizhevsky, Sutskever, Salakhutdinov 2012 (arXiv:1207.0580), appendix A: 784-800-800-10,
 * a fifth of the inputs and half of the hidden units dropped, the squared length of a hidden unit's incoming weights at most 15.
 * dropout-mlp-1024x3: Srivastava et al. 2014 (JMLR 15), section 6.1.1: 3 layers of 1024 ReLU; appendix B.1: a fifth of the
 * inputs and half of the hidden units dropped, max-norm 2 in all layers, the scores too.
 * Their flags switch both off, to see what they do: the papers compare with the same networks without.
 * mlp-3x100, bn-mlp-3x100: Ioffe & Szegedy 2015 (arXiv:1502.03167), section 4.1: three layers of 100 sigmoid units, weights from a
 * narrow Gaussian; batch normalisation before each sigmoid or not.
 * linear-mnist, mlp-mnist: a linear classifier, and one hidden layer of 100 ReLU, for pictures of what weights learn.
 */
#include "zoo/blocks.h"

typedef struct mlp_design {
    int32_t layers, units; /* hidden */
    const char *activation;
    bool batch_norm;
    double drop_input, drop_hidden, max_norm, max_norm_scores;
    double deviation; /* of a Gaussian that hidden weights come from; 0: He */
} mlp_design;

/* Only the networks that drop units have flags. */
static bool keeps(const fvi_zoo_net *net, const char *flag)
{
    const mlp_design *design = net->design;
    return design->drop_hidden == 0 || fvi_zoo_flag(net, flag);
}

static fv_status hidden_layer(fvi_zoo_net *net, fv_value *x, int32_t number)
{
    const mlp_design *design = net->design;
    const fvi_zoo_name dense = fvi_zoo_name_of("fc%d", number);
    fv_dense_options options = { .name = dense.text,
                                 .units = design->units,
                                 .no_bias = design->batch_norm,
                                 .max_norm = keeps(net, "max-norm") ? design->max_norm : 0 };
    if (design->deviation > 0)
        options.weight_init = (fv_initializer){ .kind = FV_INIT_GAUSSIAN, .value = design->deviation };
    FV_TRY(fv_graph_add_dense(net->graph, *x, &options, x));
    if (design->batch_norm)
        FV_TRY(fvi_zoo_batch_norm(net, x, 0, "bn%d", number));
    FV_TRY(fvi_zoo_plain(net, x, design->activation, "%s%d", design->activation, number));
    return design->drop_hidden > 0 && keeps(net, "dropout")
               ? fvi_zoo_dropout(net, x, design->drop_hidden, "drop%d", number)
               : FV_OK;
}

static fv_status mlp(fvi_zoo_net *net, fv_value *output)
{
    const mlp_design *design = net->design;
    fv_value x = FV_NO_VALUE;
    FV_TRY(fvi_zoo_input(net, &x));
    if (design->drop_input > 0 && keeps(net, "dropout"))
        FV_TRY(fvi_zoo_dropout(net, &x, design->drop_input, "drop0"));
    for (int32_t number = 1; number <= design->layers; number++)
        FV_TRY(hidden_layer(net, &x, number));
    const fvi_zoo_name scores = fvi_zoo_name_of("fc%d", design->layers + 1);
    const fv_dense_options options = { .name = scores.text,
                                       .units = net->classes,
                                       .max_norm = keeps(net, "max-norm") ? design->max_norm_scores : 0 };
    FV_TRY(fv_graph_add_dense(net->graph, x, &options, output));
    return fvi_zoo_loss(net, *output);
}

#define MNIST(network_name, network_title, network_paper, network_year, variants, ...)                                 \
    {                                                                                                                  \
        .name = network_name, .title = network_title, .paper = network_paper, .year = network_year,                    \
        .input = { 1, 28, 28 }, .classes = 10, .data = { 1, 28, 28 }, .flags = variants, .default_flags = variants,    \
        .published = { __VA_ARGS__ },                                                                                  \
    }
#define DROPOUT "dropout,max-norm"
#define CIFAR(network_name, network_title, error)                                                                      \
    {                                                                                                                  \
        .name = network_name, .title = network_title,                                                                  \
        .paper = "Zhang, Bengio, Hardt, Recht, Vinyals 2017: Understanding deep learning requires rethinking "         \
                 "generalization",                                                                                     \
        .year = 2017, .input = { 3, 28, 28 }, .classes = 10, .data = { 3, 32, 32 },                                    \
        .published = {                                                                                                 \
            { .top1 = error, .crops = 1, .models = 1, .source = "Zhang et al. 2017, table 1, CIFAR-10, weight decay" } \
        },                                                                                                             \
    }
#define ERROR(percent, where)                                                                                          \
    {                                                                                                                  \
        .top1 = percent, .crops = 1, .models = 1, .source = where                                                      \
    }
#define IOFFE_2015 "Ioffe & Szegedy 2015: Batch normalization: accelerating deep network training"
#define HINTON_2012 "Hinton et al. 2012: Improving neural networks by preventing co-adaptation of feature detectors"

const fvi_zoo_network fvi_zoo_mlp[] = {
    { CIFAR("mlp-1x512", "One hidden layer of 512 ReLU", 49.61), mlp,
      &(const mlp_design){ .layers = 1, .units = 512, .activation = "relu" } },
    { CIFAR("mlp-3x512", "Three hidden layers of 512 ReLU", 46.65), mlp,
      &(const mlp_design){ .layers = 3, .units = 512, .activation = "relu" } },
    { MNIST("dropout-mlp-800", "Two hidden layers of 800 units with dropout", HINTON_2012, 2012, DROPOUT,
            ERROR(1.1, "Hinton et al. 2012, figure 1 and the text beside it, MNIST: about 110 errors")),
      mlp,
      &(const mlp_design){ .layers = 2,
                           .units = 800,
                           .activation = "relu",
                           .drop_input = 0.2,
                           .drop_hidden = 0.5,
                           .max_norm = 3.872983346207417 /* the root of 15 */ } },
    { MNIST("dropout-mlp-1024x3", "Three hidden layers of 1024 ReLU with dropout",
            "Srivastava et al. 2014: Dropout: a simple way to prevent neural networks from overfitting", 2014, DROPOUT,
            ERROR(1.06, "Srivastava et al. 2014, table 2, MNIST")),
      mlp,
      &(const mlp_design){ .layers = 3,
                           .units = 1024,
                           .activation = "relu",
                           .drop_input = 0.2,
                           .drop_hidden = 0.5,
                           .max_norm = 2,
                           .max_norm_scores = 2 } },
    { MNIST("mlp-3x100", "Three hidden layers of 100 sigmoid units", IOFFE_2015, 2015, NULL, { .source = NULL }), mlp,
      &(const mlp_design){ .layers = 3, .units = 100, .activation = "sigmoid", .deviation = 0.1 } },
    { MNIST("bn-mlp-3x100", "Three hidden layers of 100 sigmoid units, batch-normalised", IOFFE_2015, 2015, NULL,
            { .source = NULL }),
      mlp,
      &(const mlp_design){ .layers = 3, .units = 100, .activation = "sigmoid", .batch_norm = true, .deviation = 0.1 } },
    { MNIST("linear-mnist", "A linear classifier", "Bishop 2006: Pattern recognition and machine learning, section 4.3",
            2006, NULL, { .source = NULL }),
      mlp, &(const mlp_design){ .layers = 0 } },
    { MNIST("mlp-mnist", "One hidden layer of 100 ReLU",
            "Rumelhart, Hinton, Williams 1986: Learning representations by back-propagating errors", 1986, NULL,
            { .source = NULL }),
      mlp, &(const mlp_design){ .layers = 1, .units = 100, .activation = "relu" } },
    { .build = NULL },
};
