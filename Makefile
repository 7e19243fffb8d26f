# Each target is one line; the work is in tools/. Everything lives in .venv, nothing is installed outside of it.
.DEFAULT_GOAL := help
.PHONY: help demo dev fmt lint test attack conformance layers languages interop docs site bench wheels zipapp check

help:                       ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' Makefile

.venv/stamp: requirements/dev.txt pyproject.toml registry/pyproject.toml tools/venv.sh
	@tools/venv.sh

demo: .venv/stamp           ## the life of a tool, from init to a proof of its last call: each step explained
	.venv/bin/python tools/demo.py

dev: .venv/stamp            ## make .venv with everything a contributor needs
	@echo "ready: . .venv/bin/activate"

fmt: .venv/stamp            ## format the code
	.venv/bin/ruff check --fix-only --quiet . && .venv/bin/ruff format .

lint: .venv/stamp           ## ruff and mypy --strict
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy

test: .venv/stamp           ## all tests but the attacks, and the coverage gates
	.venv/bin/python -m tools.coverage_gate --run

attack: .venv/stamp         ## one file of tests per threat
	.venv/bin/pytest tests/attack

conformance: .venv/stamp    ## the vectors, run against our own host executable
	.venv/bin/python -m conformance.suite

layers: .venv/stamp         ## build the Python and JavaScript layers, for tests of tools that stand on them (apt, PyPI)
	.venv/bin/python -m tools.layers

languages: layers           ## each language of mpp init from an empty folder to an answer, and the golden set of each SDK
	.venv/bin/python -m tools.languages --all --layer build/layers/python.mpp --layer build/layers/javascript.mpp

interop: .venv/stamp        ## clients that others wrote, against mpp serve: the official MCP suite, inspector, SDK, frameworks (npm, PyPI)
	.venv/bin/python -m tools.interop

docs: .venv/stamp           ## links, names of commands and the generated reference pages
	.venv/bin/python -m tools.docs

site: .venv/stamp           ## the documentation as a web site in build/site, with search; no network
	.venv/bin/python -m tools.docsite

bench: .venv/stamp          ## measure the promised ratios
	.venv/bin/python benchmarks/run.py

wheels: .venv/stamp         ## wheels, source archives and bills of materials in dist: the same bytes wherever they are built
	.venv/bin/python -m tools.wheels

zipapp: .venv/stamp         ## mpp as one file in dist, for machines like this one (PyPI)
	.venv/bin/python -m tools.zipapp

PARTS := cli host programs units registry properties conformance tools

part-%: .venv/stamp
	@echo "$*:" && .venv/bin/python -m tools.coverage_gate --part $*

check: .venv/stamp          ## all that must be green before a change is merged; the longest first, three side by side on two cores
	@rm -f build/part-*/.coverage && $(MAKE) --no-print-directory --output-sync=target --keep-going -j3 lint attack $(PARTS:%=part-%) conformance docs && .venv/bin/python -m tools.coverage_gate --judge
