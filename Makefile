# make verify    hold every Gluon block to the kernels, and say what conforms
# make test      everything that must pass before a change lands: lint and tests
# make help      the rest
#
# The first run installs into .venv, with $(PYTHON); a later run starts at once.
# Another Python beside it: make test PYTHON=python3.12 VENV=.venv-3.12

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Many tests run commands of their own, so more processes than this gain little.
SIDE_BY_SIDE := --numprocesses logical --maxprocesses 4 --dist worksteal
# Those that a registry has, the longest to check first.
PEERS := mmdet keras_hub torchvision transformers ultralytics supervision kornia powerboxes effdet \
	pycocotools cython_bbox
# Processes side by side share the cores: more threads of each would wait for one another.
export OMP_NUM_THREADS ?= 1
# What else is tried of the core: make smoke PYTHON=python3.10 VENV=.venv-smoke NUMPY='numpy==1.24.*'
NUMPY ?= numpy
NUMBA ?= numba
CORE := $(addprefix tests/,bbox matcher coder sampler anchor suppression cost feature test_bbox.py test_bbox_calls.py test_matcher.py)
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
# The other tests of kernels: as plain Python, all tests would take hours.
KERNELS := $(addprefix tests/,assign explain test_parameters.py test_predictor.py test_inputs.py test_jit.py)

.DEFAULT_GOAL := help
.PHONY: help verify verify-gpu audit test test-core test-peers peers lint format coverage smoke boundscheck exhaustive fuzz soak bench docs clean

help: ## say what each target does
	@sed -n 's/^\([a-z-]*\):[^#]*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

verify: $(VENV)/.verify ## refkernels check: every Gluon block against the kernels (CHECK="--profile quick")
	$(BIN)/refkernels check $(CHECK)

verify-gpu: .venv-peers/.test ## what is bound of PyTorch, on each CUDA device beside the CPU
	.venv-peers/bin/python -m tests.gpu

test: lint ## lint, then all tests
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

test-core: .venv-numpy2/.test ## all tests that do without MXNet, on NumPy 2
	.venv-numpy2/bin/python -m pytest $(SIDE_BY_SIDE)

test-peers: .venv-peers/.test ## the same, where PyTorch, JAX and all peers are installed (TESTS="-m 'not once'")
	.venv-peers/bin/python -m pytest $(SIDE_BY_SIDE) $(TESTS)

audit: .venv-peers/.test ## refkernels check: the published packages (PEERS="torchvision mmdet" picks)
	printf '%s\n' $(PEERS) | xargs -n 1 -P 2 sh -c \
		'said=$$(.venv-peers/bin/refkernels check "$$0" $(CHECK) 2>&1); code=$$?; echo "$$said"; exit $$code'

peers: .venv-peers/.test ## test what is bound of the published packages, and PyTorch's and JAX's code
	.venv-peers/bin/python -m pytest $(SIDE_BY_SIDE) tests/peers tests/conformance/peers \
		tests/conformance/test_frameworks.py tests/conformance/test_bfloat16.py tests/gpu tests/planted

lint: $(VENV)/.test ## formatting, lint rules and types
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

format: $(VENV)/.test ## format the code, and mend what ruff can mend
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

coverage: $(VENV)/.test ## coverage of the package, its kernels run as plain Python
	$(BIN)/coverage erase
	NUMBA_DISABLE_JIT=1 $(BIN)/coverage run -m pytest --quiet $(SIDE_BY_SIDE) $(CORE) $(KERNELS)
	$(BIN)/coverage run -m pytest --quiet $(SIDE_BY_SIDE)
	$(BIN)/coverage combine --quiet && $(BIN)/coverage report

smoke: ## operators' tests where a built wheel, numpy and numba are all there is (NUMPY='numpy==1.24.*')
	rm -rf $(VENV) build/smoke
	$(PYTHON) -m venv $(VENV)
	$(PIP) build && $(BIN)/python -m build --outdir build/smoke . > /dev/null
	$(PIP) build/smoke/*.whl '$(NUMPY)' '$(NUMBA)' pytest hypothesis mpmath
	cd / && $(abspath $(BIN))/python -c 'import refkernels; print(refkernels.__version__, refkernels.__file__)'
	$(BIN)/python -m pytest --quiet $(CORE)

boundscheck: $(VENV)/.test ## all tests, with kernels that check every index
	NUMBA_BOUNDSCHECK=1 $(BIN)/python -m pytest $(SIDE_BY_SIDE)

exhaustive: $(VENV)/.test ## kernels that decide, on every small input there is, against the definitions
	$(BIN)/python -m tests.exhaustive

fuzz: $(VENV)/.test ## random calls of every operator, valid and wrong (FUZZ="--minutes 30" picks)
	$(BIN)/python -m tests.fuzz $(FUZZ)

soak: $(VENV)/.test ## operators for ten minutes, in 4 threads of 4 processes (SOAK="--minutes 60")
	$(BIN)/python -m tests.soak $(SOAK)

bench: .venv-bench/.bench ## speed, side by side with peers (BENCH="iou match" picks)
	.venv-bench/bin/python -m bench $(BENCH)

docs: .venv-docs/.docs ## the site, in build/docs
	.venv-docs/bin/python -m sphinx --builder html --jobs auto --quiet --fail-on-warning --keep-going docs build/docs

clean: ## remove everything that make and the tools made
	rm -rf .venv .venv-* build dist *.egg-info .coverage .hypothesis docs/reference/generated
	rm -rf .mypy_cache .pytest_cache .ruff_cache
	find refkernels tests -name __pycache__ -prune -exec rm -rf {} +

# An environment is as new as its stamp: a change of pyproject.toml installs again.

$(VENV)/.verify: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --editable '.[mxnet,check]'
	touch $@

$(VENV)/.test: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --editable '.[mxnet,check,viz,gluoncv,test]'
	touch $@ $(VENV)/.verify

.venv-numpy2/.test: pyproject.toml
	test -x .venv-numpy2/bin/python || $(PYTHON) -m venv .venv-numpy2
	.venv-numpy2/bin/python -m pip --disable-pip-version-check install --quiet \
		--editable '.[check,viz,test]' 'numpy>=2'
	touch $@

# mmdetection imports with mmcv's compiled part alone, and uses none of it for what is checked here.
.venv-peers/.test: pyproject.toml tests/peers/requirements.txt tests/peers/stand_ins/mmcv_ext.py
	test -x .venv-peers/bin/python || $(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip --disable-pip-version-check install --quiet \
		--editable '.[check,viz,test]' --requirement tests/peers/requirements.txt
	cp tests/peers/stand_ins/mmcv_ext.py \
		"$$(.venv-peers/bin/python -c 'import mmcv; print(mmcv.__path__[0])')/_ext.py"
	touch $@

.venv-bench/.bench: pyproject.toml bench/requirements.txt
	test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip --disable-pip-version-check install --quiet \
		--editable '.[mxnet,check]' --requirement bench/requirements.txt
	touch $@

.venv-docs/.docs: pyproject.toml
	test -x .venv-docs/bin/python || $(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python -m pip --disable-pip-version-check install --quiet --editable '.[docs]'
	touch $@
