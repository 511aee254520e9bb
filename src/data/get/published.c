/* SPDX-License-Identifier: Apache-2.0
 *
 * published.c - where the sets that have names are published, and what is known of their files. MD5 of the .gz of MNIST: those that torchvision
 * checks (they were published with http://yann.lecun.com/exdb/mnist/); of Fashion-MNIST: its README (Zalando Research, github.com/zalandoresearch);
 * of CIFAR: its page, www.cs.toronto.edu/~kriz/cifar.html.
 */
#include "data/get/published.h"

#include <stddef.h>

static const fvi_published mnist = {
    .name = "mnist",
    .folder = "mnist",
    .files = { { "train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873", "6bbc9ace898e44ae57da46a324031adb" },
               { "train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432", "a25bea736e30d166cdddb491f175f624" },
               { "t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3", "2646ac647ad5339dbf082846283269ea" },
               { "t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c",
                 "27ae3e4e09519cfbb04c329615203637" } },
    .addresses = { "https://ossci-datasets.s3.amazonaws.com/mnist/",
                   "https://storage.googleapis.com/cvdf-datasets/mnist/",
                   "https://raw.githubusercontent.com/fgnt/mnist/master/" },
};

static const fvi_published fashion = {
    .name = "fashion-mnist",
    .folder = "fashion-mnist",
    .files = { { "train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d", NULL },
               { "train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe", NULL },
               { "t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79", NULL },
               { "t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310", NULL } },
    .addresses = { "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                   "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
                   "https://storage.googleapis.com/tensorflow/tf-keras-datasets/" },
    .classes = "T-shirt/top\nTrouser\nPullover\nDress\nCoat\nSandal\nShirt\nSneaker\nBag\nAnkle boot\n",
};

static const fvi_published cifar10 = {
    .name = "cifar-10",
    .folder = "cifar-10-batches-bin",
    .files = { { "cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530", NULL } },
    .addresses = { "https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/" },
    .members = { "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin",
                 "test_batch.bin", "batches.meta.txt" },
};

static const fvi_published cifar100 = {
    .name = "cifar-100",
    .folder = "cifar-100-binary",
    .files = { { "cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8", NULL } },
    .addresses = { "https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/" },
    .members = { "train.bin", "test.bin", "fine_label_names.txt", "coarse_label_names.txt" },
};

const fvi_published *const fvi_published_sets[] = { &mnist, &fashion, &cifar10, &cifar100, NULL };
