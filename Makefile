# `make` lists the targets. Each installs what it needs first (scripts/bootstrap.sh), and says what and why.
SHELL := /bin/bash
.DEFAULT_GOAL := help
CACHE := $(or $(ABO_CACHE),$(HOME)/.cache/azure-blob-operator)
PYTHON := $(CACHE)/venv/bin/python
KUBECTL ?= $(or $(shell command -v kubectl),$(CACHE)/kube-$(shell sed -n 's/^KUBE_VERSION=//p' scripts/versions.env)/kubectl)

.PHONY: help
help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

.PHONY: build
build: ## The program: build/release/azure-blob-operator, one static file
	@scripts/build.sh azure-blob-operator
	@echo build/release/azure-blob-operator

.PHONY: test
test: ## All tests: the code's own, then the operator on a real API server and Azurite (PRESET=asan-ubsan, PRESET=tsan)
	@scripts/test.sh $(or $(PRESET),dev)

.PHONY: demo
demo: build ## A blob lands, a real Job runs (KEEP=1 leaves it running, CONTEXT=name uses that cluster)
	@scripts/bootstrap.sh test bed node
	@ABO_OPERATOR=build/release/azure-blob-operator KEEP="$(KEEP)" CONTEXT="$(CONTEXT)" $(PYTHON) scripts/demo.py

.PHONY: demo-ml
demo-ml: ## A CSV lands, a trained and 8-bit quantized model comes out, by Argo Workflows (root; KEEP=1 leaves it running)
	@[ "$$(id -u)" = 0 ] || { echo 'make demo-ml runs real Pods, which needs root; make demo does not' >&2; exit 1; }
	@$(MAKE) --no-print-directory build
	@scripts/bootstrap.sh test bed node argo ml
	@scripts/ml-image.sh build
	@ABO_OPERATOR=build/release/azure-blob-operator KEEP="$(KEEP)" PYTHONDONTWRITEBYTECODE=1 $(PYTHON) scripts/demo_ml.py

.PHONY: run
run: build ## The operator here, on the current kubectl context (make install first; ARGS="--flag ...")
	build/release/azure-blob-operator run $(ARGS)

.PHONY: install
install: ## The CustomResourceDefinition into the current kubectl context
	@command -v $(KUBECTL) >/dev/null || scripts/bootstrap.sh bed
	$(KUBECTL) apply --server-side -f config/crd/azureblobwatchers.yaml

.PHONY: uninstall
uninstall: ## Takes it out again, with every watcher
	@command -v $(KUBECTL) >/dev/null || scripts/bootstrap.sh bed
	$(KUBECTL) delete --ignore-not-found -f config/crd/azureblobwatchers.yaml

.PHONY: deploy
deploy: ## The operator into the current kubectl context (IMG=image:tag)
	@command -v $(KUBECTL) >/dev/null || scripts/bootstrap.sh bed
	@scripts/deploy.sh deploy $(KUBECTL) $(IMG)

.PHONY: undeploy
undeploy: ## Takes it out again; the CustomResourceDefinition and all watchers stay
	@command -v $(KUBECTL) >/dev/null || scripts/bootstrap.sh bed
	@scripts/deploy.sh undeploy $(KUBECTL)

.PHONY: docker-build
docker-build: ## The container image IMG=..., by docker, podman or buildah (BASE=packages where no registry is reached)
	@[ -n "$(IMG)" ] || { echo 'which image? make $@ IMG=registry.example.com/azure-blob-operator:1.0' >&2; exit 2; }
	@TOOL="$(TOOL)" BASE="$(BASE)" scripts/image.sh build "$(IMG)"

.PHONY: docker-push
docker-push: ## Pushes it to its registry
	@[ -n "$(IMG)" ] || { echo 'which image? make $@ IMG=registry.example.com/azure-blob-operator:1.0' >&2; exit 2; }
	@TOOL="$(TOOL)" scripts/image.sh push "$(IMG)"

.PHONY: e2e
e2e: ## The image in a real cluster, installed in every way, and the ML pipeline (CONTEXT=name IMG=... HOST=...: that one)
	@CONTEXT="$(CONTEXT)" IMG="$(IMG)" HOST="$(HOST)" IMAGE="$(IMAGE)" scripts/e2e.sh $(ARGS)

.PHONY: manifests
manifests: ## The CRD and the reference page from the table of fields; config/ and the chart's README from the chart
	@scripts/bootstrap.sh build
	@. scripts/lib.sh && cmake --preset dev >/dev/null && cmake --build --preset dev --target crd_gen
	@scripts/manifests.sh build/dev/crd_gen

.PHONY: bench
bench: ## Every figure that must be reached (BASELINE=file compares, BENCH_OUT=file, ONLY=list,store,operator,burst,size)
	@scripts/build.sh
	@scripts/bootstrap.sh test bed
	@PYTHONDONTWRITEBYTECODE=1 $(PYTHON) bench/bench.py $(if $(BENCH_OUT),--out "$(BENCH_OUT)") \
	  $(if $(BASELINE),--baseline "$(BASELINE)") $(if $(ONLY),--only "$(ONLY)")

.PHONY: chaos
chaos: build ## Kills and faults by the thousand, judged by the audit log (SEED=n replays, RUNS=3; MODE=deletions; 15 min)
	@scripts/bootstrap.sh test bed
	@ABO_OPERATOR=build/release/azure-blob-operator PYTHONDONTWRITEBYTECODE=1 $(PYTHON) tests/chaos/campaign.py --full \
	  $(if $(MODE),--mode $(MODE)) $(if $(SEED),--seed $(SEED)) $(if $(RUNS),--runs $(RUNS))

.PHONY: model
model: ## The protocol in simulated worlds: random ones (SEED=n replays, WORLDS=n) and every course of small ones; 10 min
	@scripts/model.sh $(or $(SEED),$(shell date +%s)) $(or $(WORLDS),100000)

.PHONY: fuzz
fuzz: ## The fuzzers, one after the other (SECONDS_EACH=60 of CPU, TARGETS="list_page template")
	@scripts/fuzz.sh $(or $(SECONDS_EACH),60) $(TARGETS)

.PHONY: lint
lint: ## Format, arrows between folders, clang-tidy, scripts, chart, manifests, alerts, spelling, links
	@scripts/lint.sh

.PHONY: fmt
fmt: ## Formats the C++ sources
	@scripts/bootstrap.sh build
	@git ls-files --cached --others --exclude-standard '*.h' '*.cc' | xargs clang-format-19 -i
