.DEFAULT_GOAL := help
.PHONY: help run test soak stack build performance flat lint clean

help: ## What can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Palaver by itself on http://127.0.0.1:8081, with conversations to look at
	@scripts/run

test: ## All tests, against real MariaDB, Redis and Elasticsearch
	@scripts/install-packages build test
	@swift build --build-tests
	@scripts/test-stack

soak: ## Half an hour of faults: kills, stops, cuts; nothing acknowledged may be lost (MINUTES, SEED)
	@scripts/install-packages build test
	@swift build --build-tests
	@PALAVER_FAULT_MINUTES=$(or $(MINUTES),30) $(if $(SEED),PALAVER_FAULT_SEED=$(SEED)) \
		scripts/test-stack --filter 'FaultTests\.FaultTests'

stack: ## The whole product here: two servers behind nginx, on real MariaDB, Redis and Elasticsearch
	@scripts/install-packages build stack
	@swift build -c release --product palaver
	@scripts/stack up

build: ## The executable, .build/release/palaver
	@scripts/install-packages build
	@swift build -c release --product palaver

performance: ## Figures of this machine beside limits and rivals, into docs/performance.md (ONLY=broadcast,joins ROUNDS=5)
	@scripts/install-packages build performance
	@swift build -c release --product palaver
	@$(MAKE) --no-print-directory -C benchmarks
	@scripts/with-stack benchmarks/measure.py --write $(if $(ONLY),--only $(ONLY)) $(if $(ROUNDS),--rounds $(ROUNDS))

flat: ## Half an hour of everything at half load: does memory grow? (MINUTES, PROFILE=stack|embedded)
	@scripts/install-packages build performance
	@swift build -c release --product palaver
	@scripts/with-stack benchmarks/flat.py $(if $(MINUTES),--minutes $(MINUTES)) $(if $(PROFILE),--profile $(PROFILE))

lint: ## Form of the Swift code, the scripts, the compose file
	@scripts/lint

clean: ## Forgets what was built; keeps palaver-data and .stack
	@rm -rf .build
