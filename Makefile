# Everything is one command; `make help` lists them. Longer work is a script in scripts/.
NODE := scripts/node
BIN := node_modules/.bin

PREFIX ?= /usr/local
DESTDIR ?=
export PREFIX DESTDIR

.PHONY: help install uninstall run build test unit integration vm-test lint format generate check-generated check bench clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --no-audit --no-fund
	@touch $@

run: build ## set up, start a stack, run a container on the embedded image, show what each layer did, stop
	scripts/run

build: node_modules/.package-lock.json ## bundle the five executables into dist/bin
	$(NODE) scripts/build/bundle.ts

test: build ## set up everything and pass all tests (root)
	scripts/test

unit: node_modules/.package-lock.json ## the quick tests that need no root
	$(NODE) $(BIN)/mocha --exit '{spec,lib,proto,runtime,shim,containerd-lite,engine,cli}/test/**/*.test.ts'

integration: build ## the built executables against the real kernel and the real peers (root)
	scripts/integration

vm-test: build ## the runtime on cgroup v2, in a virtual machine (2-3 minutes; needs qemu-system-x86)
	scripts/vm-test

lint: node_modules/.package-lock.json ## types, lint rules, formatting
	$(NODE) $(BIN)/tsc -b
	$(NODE) $(BIN)/eslint .
	$(NODE) $(BIN)/prettier --check --log-level warn .

format: node_modules/.package-lock.json ## format every file
	$(NODE) $(BIN)/prettier --write --log-level warn .

generate: node_modules/.package-lock.json ## write types and descriptors from proto/idl
	$(NODE) scripts/generate.ts

check-generated: generate ## show that generating changes nothing
	git diff --exit-code --stat -- proto/src/generated

check: lint check-generated test ## all that must be green

bench: build ## measure beside docker, ctr, runc and crun in the same run (root)
	scripts/bench

install: build ## install below DESTDIR and PREFIX (/usr/local): executables, systemd's units, the group of the socket
	scripts/install

uninstall: ## take away what install has put there; configuration and data stay
	scripts/install uninstall

clean: ## remove what was built
	rm -rf dist
