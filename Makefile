# make run | test | test-long | check | bench | bench-compare. Needs Python 3.11 or 3.12 (or a later one and a redis-server on
# the path), make and a package index. Nothing is installed or built twice.

.PHONY: run test test-long check bench bench-compare clean

BIN = .venv/bin
# The virtualenv's Node comes first: the system's may be too old.
IN_VENV = PATH="$(CURDIR)/$(BIN):$$PATH"
# Three processes keep two processors busy, as tests wait for servers now and then. A file of tests stays
# in one of them; with PYTEST_ARGS="-n 0" there is only one.
PARALLEL = -n 3 --no-loadscope-reorder
# Each of the many commands would compile all modules again.
export PYTHONDONTWRITEBYTECODE =

run: .venv/.runtime
	@exec $(BIN)/imgapp up

# All that a change can break; with test-long, what takes long by nature.
test: WHICH = not long
test-long: WHICH = long
test test-long: .venv/.development
	@$(BIN)/imgapp build
	@chromium="$$(.ci/find-browser)" && echo "The browser tests use $$chromium." && \
		CHROMIUM="$$chromium" $(IN_VENV) \
		$(BIN)/python -m pytest $(PARALLEL) -m "$(WHICH)" $(PYTEST_ARGS)

check: .venv/.development
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy
	@$(BIN)/lint-imports

bench: .venv/.development
	@$(BIN)/imgapp build
	@chromium="$$(.ci/find-browser)" && \
		CHROMIUM="$$chromium" $(IN_VENV) $(BIN)/python -m bench $(BENCH_ARGS)

# make bench-compare BASE=main BENCH_ARGS="ingest first_light" ROUNDS=3 COMPARE_ARGS=--own
ROUNDS = 2
bench-compare: .venv/.development
	@[ -n "$(BASE)" ] || { echo "Name a revision to compare with: BASE=main" >&2; exit 2; }
	@chromium="$$(.ci/find-browser)" && \
		CHROMIUM="$$chromium" $(IN_VENV) \
		$(BIN)/python -m bench.compare $(COMPARE_ARGS) --rounds $(ROUNDS) $(BASE) $(BENCH_ARGS)

.venv/.runtime: requirements.txt .ci/make-venv
	@.ci/make-venv
	@echo "Installing what imgapp needs. The first time takes a minute or two."
	@.ci/install requirements.txt
	@touch $@

.venv/.development: .venv/.runtime requirements-dev.txt
	@echo "Installing what checks and tests need."
	@.ci/install requirements-dev.txt
	@touch $@

clean:
	rm -rf .venv .web .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
