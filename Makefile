# make run    from nothing to a search in Korean: sets up, runs the six notebooks on the sample, prints the figures
# make test   sets up, then the pipeline under papermill, the notebooks' own tests, pytest
PYTHON ?= python3
VENV   ?= .venv
RUN    ?= sample
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: help setup run test test-cluster fuzz tidy notebooks lab docs opensearch opensearch-stop sample lock licences audit clean
help:            ## this list
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: $(STAMP)  ## a virtual environment with everything pinned in locks/, each file by its hash
$(STAMP): locks/build.txt locks/setup.txt locks/mecab.txt locks/konlpy.txt settings.ini setup.py scripts/install.py
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.10 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 10) else None'
	$(PYTHON) scripts/install.py $(VENV)
	touch $@

run: $(STAMP)    ## the whole chain on the sample, and its table of figures
	$(BIN)/python scripts/run.py runs/$(RUN).yaml

test: $(STAMP)   ## the pipeline under papermill, nbdev_test, pytest (in two lanes side by side)
	$(BIN)/python scripts/run.py runs/sample.yaml
	$(BIN)/python scripts/lanes.py

test-cluster: $(STAMP)     ## three OpenSearch nodes, one of them killed (part of `make test` too; four minutes)
	$(BIN)/python -m pytest tests/test_cluster.py -s --noconftest

fuzz: $(STAMP)   ## 10,000 spoilt inputs over every reader and loader, counted in docs/fuzz.md (N=100000 SEED=7: others)
	$(BIN)/python tests/fuzz_campaign.py --inputs $(or $(N),10000) --seed $(or $(SEED),1)

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

lock:            ## constraints.txt and locks/ anew from settings.ini (UP='--upgrade-package urllib3', UP=--upgrade), and their licences
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	test -x $(BIN)/uv || $(BIN)/pip install --quiet --require-hashes --requirement locks/build.txt
	$(BIN)/python scripts/lock.py $(UP)
	$(MAKE) licences

licences: $(STAMP)         ## docs/licences.md anew from what is installed; stops at a licence that may not be there
	$(BIN)/python scripts/licences.py

audit: $(STAMP)  ## known advisories against what is pinned (says so where the database cannot be reached)
	$(BIN)/python scripts/audit.py

clean:           ## remove runs and the environment
	rm -rf $(VENV) outputs/*/ build dist *.egg-info
