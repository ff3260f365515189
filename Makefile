# What newcomers and CI run. Needs Python 3.11 or newer, git and make; Node 20 or newer for the
# JupyterLab panel. Nothing but `test-e2e` (which may install a browser) ever needs root.

VENV    ?= .venv
BENCH   ?= .venv-bench
EXAMPLE ?= notebooks/examples/flight_delays
WORKERS ?= 2
CONTAINERS ?= $(filter 0,$(shell id -u))

BIN := $(VENV)/bin
UV  := $(shell command -v uv 2>/dev/null)
NPM := $(shell command -v npm 2>/dev/null)

ifdef UV
INSTALL := $(UV) pip install --quiet --python $(BIN)/python
else
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif

PANEL         := mlnb/ui/labextension/package.json
PANEL_SOURCES := $(shell find extension/src extension/style extension/schema -type f 2>/dev/null) \
                 $(wildcard extension/package.json extension/tsconfig.json)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install .install panel demo lab test test-extension test-e2e test-containers bench bench-datasets bench-execution bench-lab bench-pipelines bench-serving bench-tracking lint docs docs-check codegen gallery wheel clean

help: ## Show this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "  make %-15s %s\n", $$1, $$2}'

# -- the environment; stamp files make the second time free ---------------------------------------

$(VENV)/.made:
	@python=$$(for name in $(PYTHON) python3 python3.13 python3.12 python3.11 python; do \
	    "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$name" && break; \
	done); \
	if [ -z "$$python" ]; then echo "mlnb needs Python 3.11 or newer (make PYTHON=/path/to/python3.12 …)." >&2; exit 1; fi; \
	echo "Making $(VENV) with $$("$$python" --version)"; \
	if [ -n "$(UV)" ]; then "$(UV)" venv --quiet --allow-existing --python "$$("$$python" -c 'import sys; print(sys.executable)')" $(VENV); \
	else "$$python" -m venv $(VENV) && $(INSTALL) --upgrade 'pip>=25.1'; fi
	@touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml extension/package.json
	@echo "Installing mlnb with every extra into $(VENV)"
	@SKIP_JUPYTER_BUILDER=1 $(INSTALL) --editable '.[all]'
	@touch $@

$(VENV)/.tested: $(VENV)/.installed
	@echo "Installing the test and lint tools"
	@$(INSTALL) --group test --group lint
	@touch $@

$(VENV)/.browsed: $(VENV)/.tested
	@$(INSTALL) --group e2e
	@touch $@

$(VENV)/.dvc: $(VENV)/.tested
	@echo "Installing DVC for the tests, apart from mlnb"
	@$(MAKE) --no-print-directory VENV=$(VENV)/peers $(VENV)/peers/.made
	@$(MAKE) --no-print-directory VENV=$(VENV)/peers WHAT='--group bench-dvc' .install
	@touch $@

$(VENV)/.exporters: $(VENV)/.tested
	@echo "Installing what runs and checks exported pipelines, apart from mlnb"
	@$(MAKE) --no-print-directory VENV=$(VENV)/exporters $(VENV)/exporters/.made
	@$(MAKE) --no-print-directory VENV=$(VENV)/exporters WHAT='--group e2e-exporters' .install
	@npm install --silent --no-audit --no-fund --prefix $(VENV)/exporters gitlab-ci-local@4.61.1 npm-groovy-lint@16
	@touch $@

$(VENV)/.surroundings: $(VENV)/.tested
	@echo "Installing Notebook 7, JupyterHub and collaboration, apart from what they would change"
	@$(MAKE) --no-print-directory VENV=$(VENV)/surroundings $(VENV)/surroundings/.made
	@SKIP_JUPYTER_BUILDER=1 $(MAKE) --no-print-directory VENV=$(VENV)/surroundings WHAT='--editable .[lab] --group e2e-surroundings' .install
	@npm install --silent --no-audit --no-fund --prefix $(VENV)/surroundings configurable-http-proxy@5
	@touch $@

$(VENV)/.kfp: $(VENV)/.exporters
	@echo "Installing mlnb with Kubeflow's SDK, apart from what it does not go with"
	@$(MAKE) --no-print-directory VENV=$(VENV)/kfp $(VENV)/kfp/.made
	@SKIP_JUPYTER_BUILDER=1 $(MAKE) --no-print-directory VENV=$(VENV)/kfp WHAT='--editable .[kfp] --group e2e-kfp' .install
	@touch $@

$(BENCH)/.peers: pyproject.toml
	@$(MAKE) --no-print-directory VENV=$(BENCH) $(BENCH)/.made
	@echo "Installing mlnb and what it is measured beside into $(BENCH)"
	@SKIP_JUPYTER_BUILDER=1 $(MAKE) --no-print-directory VENV=$(BENCH) WHAT='--editable . --group bench' .install
	@for peer in delta dvc lance oxen; do \
	    $(MAKE) --no-print-directory VENV=$(BENCH) WHAT="--group bench-$$peer" .install || \
	    echo "$$peer could not be installed (see above): the benchmark leaves it out."; \
	done
	@touch $@

$(BENCH)/.tracking-peers: pyproject.toml
	@$(MAKE) --no-print-directory VENV=$(BENCH) $(BENCH)/.made
	@echo "Installing mlnb and what its tracking is measured beside into $(BENCH)"
	@SKIP_JUPYTER_BUILDER=1 $(MAKE) --no-print-directory VENV=$(BENCH) WHAT='--editable . --group bench-tracking' .install
	@for peer in dvclive wandb; do \
	    $(MAKE) --no-print-directory VENV=$(BENCH) WHAT="--group bench-$$peer" .install || \
	    echo "$$peer could not be installed (see above): the benchmark leaves it out."; \
	done
	@touch $@

$(BENCH)/execution/.peers: pyproject.toml
	@# apart from the others: what is installed beside changes what `import mlflow` does
	@$(MAKE) --no-print-directory VENV=$(BENCH)/execution $(BENCH)/execution/.made
	@echo "Installing mlnb and what runs notebooks beside it into $(BENCH)/execution"
	@SKIP_JUPYTER_BUILDER=1 $(MAKE) --no-print-directory VENV=$(BENCH)/execution WHAT='--editable . --group bench-execution' .install
	@$(MAKE) --no-print-directory VENV=$(BENCH)/ploomber $(BENCH)/ploomber/.made
	@# apart, too: papermill imports every engine that is installed beside it
	@$(MAKE) --no-print-directory VENV=$(BENCH)/ploomber WHAT='--group bench-ploomber' .install || \
	    { rm -rf $(BENCH)/ploomber; echo "ploomber-engine could not be installed (see above): the benchmark leaves it out."; }
	@touch $@

$(BENCH)/.pipeline-peers: $(BENCH)/execution/.peers
	@for peer in dvc ploomber; do \
	    place=$(BENCH)/pipelines-$$peer; \
	    echo "Installing $$peer into $$place"; \
	    $(MAKE) --no-print-directory VENV=$$place $$place/.made && \
	    $(MAKE) --no-print-directory VENV=$$place WHAT="--group bench-pipelines-$$peer" .install || \
	    { rm -rf $$place; echo "$$peer could not be installed (see above): the benchmark leaves it out."; }; \
	done
	@touch $@

$(BENCH)/serving/mlnb/.peers: pyproject.toml
	@# each in an environment of its own: their web servers and pydantics do not go together
	@$(MAKE) --no-print-directory VENV=$(BENCH)/serving/mlnb $(BENCH)/serving/mlnb/.made
	@echo "Installing mlnb, and what serves models beside it, into $(BENCH)/serving"
	@SKIP_JUPYTER_BUILDER=1 $(MAKE) --no-print-directory VENV=$(BENCH)/serving/mlnb WHAT='--editable .[serving,onnx]' .install
	@for peer in mlserver bentoml litserve fastapi hello; do \
	    $(MAKE) --no-print-directory VENV=$(BENCH)/serving/$$peer $(BENCH)/serving/$$peer/.made && \
	    $(MAKE) --no-print-directory VENV=$(BENCH)/serving/$$peer WHAT="--group bench-serving-$$peer" .install || \
	    { rm -rf $(BENCH)/serving/$$peer; echo "$$peer could not be installed (see above): the benchmark leaves it out."; }; \
	done
	@touch $@

.install:
	@$(INSTALL) $(WHAT)

install: $(VENV)/.installed ## Make the virtual environment and install mlnb into it

# -- the JupyterLab panel -------------------------------------------------------------------------

extension/node_modules/.package-lock.json: extension/package-lock.json
	@echo "Installing the panel's build tools (once)"
	@cd extension && npm ci --silent
	@touch $@

$(PANEL): extension/node_modules/.package-lock.json $(PANEL_SOURCES) | $(VENV)/.installed
	@echo "Building the JupyterLab panel"
	@cd extension && npm run --silent build:prod
	@touch $@

panel: $(PANEL) ## Build the JupyterLab panel and link it into the environment (needs Node)
	@mkdir -p $(VENV)/share/jupyter/labextensions
	@rm -rf $(VENV)/share/jupyter/labextensions/mlnb
	@ln -s "$(abspath $(dir $(PANEL)))" $(VENV)/share/jupyter/labextensions/mlnb

# -- to look at -----------------------------------------------------------------------------------

demo: $(VENV)/.installed ## The whole lifecycle on real flights: a few minutes
ifdef NPM
	@$(MAKE) --no-print-directory panel || echo "The JupyterLab panel could not be built (see above); the demo goes on without it."
else
	@echo "Node is not installed: the demo runs without the JupyterLab panel (install Node 20 and run: make panel)."
endif
	@$(BIN)/python notebooks/examples/demo.py $(EXAMPLE)

lab: $(VENV)/.installed ## Open the examples in JupyterLab
ifdef NPM
	@$(MAKE) --no-print-directory panel
endif
	$(BIN)/jupyter lab notebooks/examples

# -- to check -------------------------------------------------------------------------------------

test: $(VENV)/.tested ## The fast tests: everything but a browser
	$(BIN)/python -m pytest -n $(WORKERS) -m "not e2e" $(ARGS)

test-extension: extension/node_modules/.package-lock.json ## The panel's unit tests
	cd extension && npm run --silent test

test-e2e: $(VENV)/.browsed $(VENV)/.dvc $(VENV)/.exporters $(VENV)/.surroundings panel ## The tests in a real browser, with real servers and, as root, in containers (CONTAINERS= leaves these out)
	@.ci/packages chromium=chromium initdb=postgresql java=default-jre-headless rsync=rsync
	$(BIN)/python -m pytest -m "e2e and not containers" --reruns 1 $(ARGS)
ifneq ($(CONTAINERS),)
	@$(MAKE) --no-print-directory test-containers
endif

test-containers: $(VENV)/.browsed $(VENV)/.kfp ## Endpoints and exported pipelines in containers, with Docker, Podman and Kubeflow's runner: needs root, 15 minutes
	@.ci/packages docker=docker.io dockerd=docker.io podman=podman runc=runc catatonit=catatonit \
	    debootstrap=debootstrap docker-registry=docker-registry skopeo=skopeo rsync=rsync
	$(BIN)/python -m pytest -m containers $(ARGS)

gallery: $(VENV)/.browsed panel ## Take the pictures of JupyterLab in docs/images, of what `make demo` has left
	@.ci/packages chromium=chromium
	$(BIN)/python -m tests.e2e.gallery $(EXAMPLE)

bench: $(VENV)/.tested ## What things cost, side by side with what they are built on
	$(BIN)/python tests/bench $(ARGS)

bench-datasets: $(BENCH)/.peers ## Dataset versions beside Parquet, Delta, Lance, DVC and Oxen: 15 minutes
	@$(BENCH)/bin/python tests/bench/dataset_report.py $(ARGS)

bench-tracking: $(BENCH)/.tracking-peers ## Tracking beside MLflow, dvclive and wandb: 8 minutes
	@$(BENCH)/bin/python tests/bench/tracking_report.py $(ARGS)

bench-execution: $(BENCH)/execution/.peers ## Headless notebooks beside papermill, nbclient and others: 20 minutes
	@$(BENCH)/execution/bin/python tests/bench/execution_report.py \
	    $$(test -x $(BENCH)/ploomber/bin/python && echo --ploomber $(abspath $(BENCH))/ploomber/bin/python) $(ARGS)

bench-lab: $(VENV)/.browsed panel ## The panel in JupyterLab with 10,000 runs, in a real browser: 4 minutes
	@.ci/packages chromium=chromium
	@$(BIN)/python tests/bench/lab_report.py $(ARGS)

bench-pipelines: $(BENCH)/.pipeline-peers ## Pipelines beside papermill, ploomber and DVC: 10 minutes
	@$(BENCH)/execution/bin/python tests/bench/pipeline_report.py \
	    --dvc $(abspath $(BENCH))/pipelines-dvc/bin/dvc \
	    --ploomber $(abspath $(BENCH))/pipelines-ploomber/bin/python $(ARGS)

bench-serving: $(BENCH)/serving/mlnb/.peers ## Endpoints beside mlflow models serve, MLServer, BentoML and others: 15 minutes
	@command -v wrk >/dev/null || { echo "Installing wrk"; \
	    if [ "$$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -y -qq --no-install-recommends wrk >/dev/null; \
	    else sudo -n apt-get update -qq && sudo -n apt-get install -y -qq --no-install-recommends wrk >/dev/null; fi; } \
	    || { echo "This needs wrk; install it, for example: sudo apt-get install wrk" >&2; exit 1; }
	@$(BENCH)/serving/mlnb/bin/python tests/bench/serving_report.py --peers $(BENCH)/serving $(ARGS)

lint: $(VENV)/.tested ## Style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
ifdef NPM
	@$(MAKE) --no-print-directory extension/node_modules/.package-lock.json
	cd extension && npm run --silent lint
else
	@echo "Node is not installed: the panel's sources were not linted."
endif

docs: $(VENV)/.installed ## Write docs/reference/ anew from the commands, settings and errors
	$(BIN)/python -m mlnb.ui.reference

docs-check: $(VENV)/.installed
	$(BIN)/python -m mlnb.ui.reference --check

codegen: $(VENV)/.installed extension/node_modules/.package-lock.json ## Write the panel's types anew from the records
	$(BIN)/python -m mlnb.ui.server.schema > extension/codegen/records.json
	cd extension && npm run --silent codegen

wheel: $(PANEL) ## Build dist/mlnb-*.whl with the panel inside
ifdef UV
	$(UV) build --quiet --wheel
else
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
endif
	@ls dist

clean: ## Remove the environment and everything built (never a project's .mlnb)
	rm -rf $(VENV) $(BENCH) dist build extension/node_modules extension/lib mlnb/ui/labextension \
	    .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
