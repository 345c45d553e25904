# Everything a contributor runs, by one word. PYTHON may name another interpreter.
PYTHON ?= python

.PHONY: setup demo test check lint types gen cover bench prove pictures

setup:  ## install carecli with everything its tests need
	$(PYTHON) -m pip install -q -e ".[dev]"

demo:  ## open the console on the demo desk
	carecli demo

test:  ## run the tests
	$(PYTHON) -m pytest -q -n 2 --dist loadgroup

lint:  ## style, imports between layers
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	lint-imports

types:  ## mypy --strict
	$(PYTHON) -m mypy

check: lint types test  ## all that CI runs

gen:  ## write everything that is generated: example configuration, references, code map, pictures
	PYTHONPATH=tests $(PYTHON) tests/generated.py --pictures

cover:  ## every branch of the domain and of the pure parts of the sync is tested
	$(PYTHON) -m pytest -q -n 2 tests/unit/domain tests/unit/sync --cov=carecli.domain --cov=carecli.sync.follow \
	  --cov=carecli.sync.merge --cov=carecli.sync.plan --cov-branch --cov-fail-under=100 \
	  --cov-report=term-missing:skip-covered

prove:  ## prove "never lost, never doubled" on a real mail server (PROVE="--short" takes three minutes)
	PYTHONPATH=tests:tests/peers:src $(PYTHON) -m e2e.prove $(PROVE)

bench:  ## measure speed against peers; prints a table of ratios
	$(PYTHON) tests/bench/run.py
