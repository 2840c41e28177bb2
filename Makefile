# Dispatchapy. `make run` starts the gateway, `make test` runs every check.
BIN     := bin/dispatchapy
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)

.PHONY: run demo build test lint fuzz bench screenshots clean

run: build ## start the gateway on :8000 with its data in ./data
	./$(BIN) serve

demo: build ## gateway, three fake providers and traffic, printed as it goes
	./$(BIN) demo

build: ## one static binary, bin/dispatchapy
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/dispatchapy

test: ## everything that must hold before a change goes in; installs what it needs
	./scripts/check.sh

lint: ## formatting, vet and the linters with the layer rules
	./scripts/check.sh tools format vet lint

fuzz: ## every fuzz target for FUZZTIME (default 5s)
	./scripts/check.sh fuzz

bench: build ## the gateway beside two yardsticks, see docs/performance.md
	./$(BIN) bench

screenshots: ## every page, light and dark, wide and narrow, into ./screenshots
	./scripts/screenshots.sh

clean:
	rm -rf bin .bin
