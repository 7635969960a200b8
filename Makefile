# make bench   environment, dependencies, library, then the main job: what the emulated card does under load
# make test    the same, then every test
# make check   the quick loop: format, lint, strict types, fast tests
# make site    the documentation as a site, in site/
# make clean   removes everything that was made
#
# Needs Python 3.11 or later with its headers and shared library, gcc and make; .ci/preflight says what is missing.
# PYTHON=/path/to/python3 chooses the interpreter of a new .venv.

BIN := .venv/bin
REAL := benchmarks conformance driver emulator firmware ghostcard module tests setup.py
LIBRARY := module/libghostcard.so
LIBRARY_SOURCES := setup.py $(wildcard module/*.c module/*.h module/front/*.[ch] module/front/*.py module/clock/*.[ch] module/clock/*.py module/entries/*.py module/*.json) \
	module/build.py module/declarations.py module/flattening.py firmware/abi/parameters.py firmware/abi/mechanism.py $(wildcard benchmarks/recursion/*.[ch]) $(wildcard emulator/client/*.[ch]) emulator/client/build.py benchmarks/recursion/build.py
HOT := $(shell sed -n 's/^    "\(ghostcard.*\.py\)",$$/\1/p' ghostcard/hotpath.py)
HOT_STATE := $(shell $(BIN)/python -I ghostcard/hotpath.py 2>/dev/null)
PYTEST := $(BIN)/python -m pytest

.PHONY: bench test check build site clean
.DELETE_ON_ERROR:

bench: build
	$(BIN)/ghostcard bench

test: bench
	$(PYTEST) -n 2 --dist loadfile

check: build
	$(BIN)/ruff format --check $(REAL)
	$(BIN)/ruff check $(REAL)
	$(BIN)/mypy
	$(PYTEST) -n 2 --dist loadfile --ignore=tests/clients

build: .venv/.built

site: build
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

.venv/.made:
	@python=$$(PYTHON="$(PYTHON)" .ci/preflight) && echo "$$python -m venv .venv" && "$$python" -m venv .venv
	@touch $@

.venv/.installed: .venv/.made pyproject.toml setup.py
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

# the wildcard gives nothing when the library was removed by hand, so that it is built again; of the hot path
# neither a time nor the stamp tells that its modules are there, and made of the sources as they are
.venv/.built: .venv/.installed $(LIBRARY_SOURCES) ghostcard/hotpath.py $(HOT) \
		$(if $(wildcard $(LIBRARY)),,rebuild) $(if $(filter fresh,$(HOT_STATE)),,rebuild)
	$(BIN)/python setup.py --quiet build_ext --inplace
	@touch $@

.PHONY: rebuild
rebuild:

clean:
	rm -rf .venv build dist results site module/generated ghostcard/hotpath.stamp *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find $(REAL) -name '*.so' -delete
	find $(REAL) -name __pycache__ -type d -exec rm -rf {} +
