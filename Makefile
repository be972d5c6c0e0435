# make demo    install into .venv and run the main job on embedded data
# make test    install into .venv and run every test
# make help    the rest
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export OMP_WAIT_POLICY := PASSIVE

.PHONY: help install demo test bench readme prepare test-hosted hooks clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*##/\t/'

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade pip

# the stamp is younger than the files that say what to install: then there is nothing to do
$(VENV)/installed: settings.ini setup.py pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --progress-bar off -q -e '.[dev]'
	touch $@

install: $(VENV)/installed ## create .venv and install everything that the tests need

demo: install ## run the main job on images and on texts; see fastclf-demo/
	$(BIN)/fastclf demo

test: install ## every test
	PATH="$(abspath $(BIN)):$$PATH" bash tools/test.sh

bench: install ## every benchmark; one of them: .venv/bin/python -m bench NAME
	$(BIN)/python -m bench

readme: install ## README.md from nbs/index.ipynb
	$(BIN)/python tools/make_readme.py

prepare: install ## export, clean and README: run before a commit
	$(BIN)/nbdev-export
	$(BIN)/nbdev-clean
	$(BIN)/python tools/make_readme.py

test-hosted: ## the import of every module and the quickstart's path on a hosted notebook's versions
	bash tools/test_hosted.sh

hooks: install ## Jupyter and git hooks that clean notebooks on save and merge them cell by cell
	$(BIN)/nbdev-install-hooks

clean: ## remove what was built
	rm -rf build dist *.egg-info fastclf-demo artefacts models nbs/tutorials/models nbs/tutorials/report nbs/tutorials/submission.csv
