# mirrorsink needs Go and make; the targets that need more say so. `make help` lists them.

SHELL       := bash
.SHELLFLAGS := -o pipefail -c

# Builds do not depend on the folder that they are made in, so that those of tests are found in the cache again.
export GOFLAGS := $(GOFLAGS) -trimpath

VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FUZZTIME ?= 30s

# What the program spends its time on in replays: the compiler inlines more of that. make profile makes it again.
PROFILE := cmd/mirrorsink/replay.pgo

# The race detector links against libc, so it wants a C compiler that finds the headers.
RACE := $(shell printf '\043include <stdlib.h>\n' | $$(go env CC) -x c -c -o /dev/null - 2>/dev/null && echo -race)

# DuckDB, in which the tests in deploy/athena/test run the Athena queries, is C++. They are a module of their own, so that the
# program's stays short.
DUCKDB := $(shell printf '\043include <string>\n' | $$(go env CXX) -x c++ -c -o /dev/null - 2>/dev/null && echo 1)

# What bench compares with, Debian packages.
BENCH_TOOLS := libndpi-bin softflowd tcpdump

# What go test -v says of tests that pass. The whole of it is kept in bin/test.log.
PASSING := ^[[:space:]]*(=== (RUN|PAUSE|CONT|NAME) |--- PASS:|.*\[rapid\] OK)|^PASS$$|^-test.shuffle |no test files

.PHONY: all build test e2e bench bench-scale bench-live bench-tools profile ec2-playground fuzz lint vuln demo generate captures clean help

all: build

build: ## build bin/mirrorsink, one static binary
	CGO_ENABLED=0 go build -trimpath -pgo=$(PROFILE) -ldflags '-s -w -X github.com/mirrorsink/mirrorsink/cmd/mirrorsink/internal/command.version=$(VERSION)' -o bin/mirrorsink ./cmd/mirrorsink

# The tools of this project. ./... leaves out testdata and folders that begin with a dot; gopacket's comparison is a module of its own.
TOOLS := $(shell find .ci testdata/gen -name '*.go' -not -path '*/gopacket/*' | xargs -n 1 dirname | sort -u | sed 's,^,./,')

# LONG=1 runs the long forms of heavy tests: more cases of properties, whole sets of captures. Their short forms hold the same. The
# measurements of receiving pin processors, so their tests run after the others. go vet runs once, before the tests.
LONG :=

test: ## vet and run every test, with the race detector where there is a C compiler; LONG=1 runs the long forms of heavy tests
	@mkdir -p bin && : >bin/test.log
	@test -n '$(RACE)' || echo 'no C compiler here: the tests run without the race detector'
	@status=0; export MIRRORSINK_LONG_TESTS=$(LONG); \
	run() { \
	  echo "$$*"; \
	  "$$@" 2>&1 | tee -a bin/test.log | grep --line-buffered -Ev '$(PASSING)'; \
	  [ "$${PIPESTATUS[0]}" = 0 ] || { echo "failed: $$*"; status=1; }; \
	}; \
	run go vet ./... $(TOOLS); \
	run go test -v -vet=off $(RACE) -shuffle=on -timeout 30m ./... $(filter-out ./.ci/bench/live%,$(TOOLS)); \
	run go test -v -vet=off -shuffle=on -timeout 30m $(filter ./.ci/bench/live%,$(TOOLS)); \
	run env CGO_ENABLED=$(or $(DUCKDB),0) go test -C deploy/athena/test -v -shuffle=on -timeout 30m ./...; \
	awk '/_test\.go:[0-9]+: / {why = $$0; sub(/^ +[^ ]+ /, "", why)} /--- SKIP: / {print "left out here: " $$3 ": " why}' bin/test.log; \
	times >bin/times; awk 'NR == 2 {print "CPU time of the tests and their builds: " $$1 " user, " $$2 " system"}' bin/times; \
	exit $$status

e2e: ## run the tests of the whole program alone
	go test -v -count=1 ./cmd/mirrorsink/...

bench: build ## measure against gopacket, a read loop and other programs, ONLY=replay,peers a part (1.2 GB in the user's cache)
	go test ./.ci/bench/...
	go test -C .ci/bench/gopacket ./...
	go run ./.ci/bench $(if $(ONLY),-only $(ONLY))

bench-scale: build ## measure replays of 1,000 to 10,000,000 flows, amid a flood and with many workers, and draw docs/scale.svg (four minutes)
	go run ./.ci/bench -only scale

bench-live: build ## measure receiving in a network namespace, ONLY=mix a part, SOAK=60s how long each row at its end takes (needs root and 2 CPUs)
	@test "$$(id -u)" = 0 || { echo 'bench-live makes a network namespace: run it as root'; exit 1; }
	go build -o bin/bench-live ./.ci/bench/live
	bin/bench-live $(if $(ONLY),-only $(ONLY)) $(if $(SOAK),-soak $(SOAK))

bench-tools: ## install the programs that bench compares with (needs root and Debian)
	@test "$$(id -u)" = 0 || { echo 'bench-tools installs packages: run it as root'; exit 1; }
	apt-get update -q
	DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $(BENCH_TOOLS)

profile: ## profile replays of the captures of make bench, for build to optimize by (five minutes)
	@mkdir -p bin
	MIRRORSINK_CAPTURE=$$(go run ./.ci/bench -capture) go test -run '^$$' -bench '^BenchmarkReplay$$' -benchtime 8x -cpuprofile $(PROFILE) \
	  -o bin/replay.test ./cmd/mirrorsink/internal/command

fuzz: ## fuzz every target for FUZZTIME (30s each)
	@for pkg in $$(go list ./...); do \
	  for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$target"; \
	    go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s $$pkg || exit 1; \
	  done; \
	done

lint: ## check gofmt and run golangci-lint as .ci/lint pins it
	@out=$$(gofmt -l .); test -z "$$out" || { echo "gofmt would change:"; echo "$$out"; exit 1; }
	go tool -modfile=.ci/lint/go.mod golangci-lint run

vuln: ## look our dependencies up in the Go vulnerability database (needs vuln.go.dev)
	go tool -modfile=.ci/vuln/go.mod govulncheck ./...

demo: build ## show named flows and alerts from a bundled capture: no AWS, no root
	bin/mirrorsink demo

ec2-playground: ## run an invented EC2 on loopback, to try the sessions commands in: no AWS
	@go run ./cmd/ec2-playground

generate: ## make the rules of deploy/prometheus and the dashboards of deploy/grafana again
	go run ./.ci/monitoring

captures: ## make the captures in testdata again from real programs (needs root and Linux)
	testdata/make-captures.sh

clean: ## remove what make has built
	rm -rf bin

help: ## list the targets
	@sed -nE 's/^([a-z0-9-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 16
