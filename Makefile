# One command each: `make demo` shows what the package does, `make test` proves it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := $(VENV)/.demo
INSTALLED := $(VENV)/.installed

.PHONY: demo test check browser docs torchvision versions lint format clean

demo: $(DEMO) ## Generate, verify and show a corrupted dataset from the photographs that scikit-image ships.
	$(BIN)/python scripts/photographs.py demo/photographs
	$(BIN)/corruptgen generate demo --source demo/photographs --output demo/demo-c --overwrite
	$(BIN)/corruptgen verify demo/demo-c --source demo/photographs --depth sample
	$(BIN)/corruptgen preview demo/photographs/animal/chelsea.png --preset natural --output demo/sheet.png
	@echo "The dataset is in demo/demo-c, its contact sheet in demo/sheet.png."

test: $(INSTALLED) lint ## Everything that CI checks.
	$(BIN)/pytest -n 2 -m "not long"

check: $(INSTALLED) lint ## The same and the full sweeps.
	$(BIN)/pytest -n 2

browser: $(INSTALLED) ## The galleries in Chromium, on the widths of a desk and a phone; skips without chromium and chromedriver.
	$(BIN)/pytest tests/test_gallery.py -k "browser or script" -rs

docs: $(INSTALLED) ## The site, with the galleries of all tables, in build/site/html; warnings are errors.
	$(BIN)/python scripts/website.py

versions: $(INSTALLED) ## The lowest and newest versions of every dependency: installed, used, and their pixels compared.
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	PATH=$(abspath $(BIN)):$$PATH $(BIN)/python scripts/dependency_versions.py

TORCHVISION := .venv-torchvision/bin/python

torchvision: $(INSTALLED) $(TORCHVISION) ## The tests with torchvision, which does not fit the torch of the others.
	CORRUPTGEN_TORCHVISION_PYTHON=$(abspath $(TORCHVISION)) $(BIN)/pytest tests/test_interop.py -k torchvision

$(TORCHVISION):
	$(PYTHON) -m venv .venv-torchvision
	$@ -m pip install --quiet --disable-pip-version-check torchvision==0.29.2 .

lint: $(INSTALLED)
	$(BIN)/ruff check .
	# Still on trial in ruff: every text file is read and written with its encoding named.
	$(BIN)/ruff check --preview --select PLW1514 corruptgen scripts
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --config-file tests/mypy.ini
	$(BIN)/lint-imports

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Versions are those that the goldens were proven with. The demo needs the package and its photographs alone.
$(DEMO): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing: on Debian, apt install python3-venv"; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[demo]"
	@touch $@

# The pictures of frost and ink come with packages installed without their own (older) dependencies: only their pictures
# are used.
$(INSTALLED): $(DEMO)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[test]"
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps imagecorruptions==1.1.2 medmnistc==0.1.0
	@touch $@

clean:
	rm -rf $(VENV) .venv-torchvision demo build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
