# A thin front for CMake (CMakePresets.json), for people who type make. Everything is built under build/<preset>.
# PRESET=debug make test   builds another preset; see the list in CMakePresets.json.
PRESET ?= release
PREFIX ?= /usr/local
BUILD := build/$(PRESET)

.PHONY: help build demo test test-zoo test-tensorboard test-onnx test-c test-torchvision soak bench bench-peers install package minimal docs lint fuzz clean

help:
	@echo "make demo      set up, build, train a network on digits and try it (about two minutes)"
	@echo "make test      set up, build and run every test"
	@echo "make test-zoo  also the tests of named networks that take minutes and gigabytes"
	@echo "make test-tensorboard  the real TensorBoard, from PyPI, opens run folders (minutes)"
	@echo "make test-c      MODEL=FILE as C source: compilers, MNIST, Cortex-M in qemu, WebAssembly (minutes)"
	@echo "make test-onnx  ONNX's checker and ONNX Runtime, from PyPI, take what fovea exports (minutes)"
	@echo "make test-torchvision  weights of torchvision and timm, from PyPI, give the same answers and go back (gigabytes)"
	@echo "make soak      kill a run at random moments and go on with it (KILLS=200; minutes)"
	@echo "make build     the command $(BUILD)/fovea and the libraries"
	@echo "make bench     networks and convolutions on this machine, beside PyTorch where python3 has it"
	@echo "make bench-peers  whole networks beside PyTorch, ONNX Runtime and OpenVINO; hours; see bench/peers/README.md"
	@echo "make install   to PREFIX ($(PREFIX)); DESTDIR is honoured"
	@echo "make package   Debian packages: libfovea0.1, libfovea-dev, fovea, in build/package"
	@echo "make minimal   the library for inference only, and its size"
	@echo "make docs      the API reference by Doxygen, in build/docs/html"
	@echo "make lint      format, include order, test pairing, documentation, exported symbols"
	@echo "make fuzz      feed the file readers with made-up bytes (clang; FUZZ_SECONDS=60)"
	@echo "make clean     remove build/"

# Without cmocka the tests are left out, and found again once it is there.
build:
	@tools/setup.sh demo
	@cmake --preset $(PRESET) --log-level=WARNING >/dev/null
	@cmake --build $(BUILD) --target fovea_command fovea_shared fovea_static fovea_manual fovea_completions

demo:
	@tools/setup.sh demo
	@$(MAKE) --no-print-directory build
	@FOVEA=$(BUILD)/fovea tools/demo.sh

test:
	@tools/setup.sh test
	@tools/test.sh $(PRESET)

test-zoo:
	@tools/setup.sh test
	@FOVEA_TEST_LONG=1 tools/test.sh $(PRESET) -L '^(zoo|long)$$'

test-tensorboard: build
	@FOVEA=$(BUILD)/fovea tools/test-tensorboard.sh

test-c: build
	@BUILD=$(BUILD) tools/test-c.sh $(MODEL)

test-onnx: build
	@BUILD=$(BUILD) tools/test-onnx.sh

# NETWORKS: a pattern of names, as NETWORKS='resnet-*'.
test-torchvision:
	@cmake --preset $(PRESET) --log-level=WARNING >/dev/null
	@BUILD=$(BUILD) tools/test-torchvision.sh "$(or $(NETWORKS),*)"

soak: build
	@FOVEA=$(BUILD)/fovea tools/soak.sh

bench: build
	@FOVEA=$(BUILD)/fovea tools/bench.sh

# PYTHON: one that has PyTorch; PEERS: options, as PEERS="--networks resnet-18 --rounds 5". Goes on where it was interrupted.
PYTHON ?= python3
bench-peers: build
	@$(PYTHON) bench/peers/peers.py run --fovea $(BUILD)/fovea $(PEERS)
	@$(PYTHON) bench/peers/peers.py table

# The prefix is compiled in (where the data set lies), so it is set before building.
install:
	@tools/setup.sh demo
	@cmake --preset $(PRESET) -DCMAKE_INSTALL_PREFIX=$(PREFIX) -DFOVEA_TESTS=OFF --log-level=WARNING
	@cmake --build $(BUILD)
	@cmake --install $(BUILD)

package:
	@tools/setup.sh demo
	@cmake --preset package --log-level=WARNING >/dev/null
	@cmake --build build/package
	@cd build/package && cpack -G DEB

minimal:
	@tools/setup.sh demo
	@tools/minimal.sh

docs:
	@doxygen docs/Doxyfile && echo "build/docs/html/index.html"

lint:
	@tools/lint.sh $(PRESET)

fuzz:
	@tools/fuzz.sh

clean:
	@cmake -E rm -rf build
