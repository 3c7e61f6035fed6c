# Pointsman's build. `make help` lists the targets; everything that is made lands in $(BUILD).
#
#   protocol/*.c           -> $(BUILD)/libprotocol.a    pure: bytes in, facts out
#   proxy/*/*.c            -> $(BUILD)/libproxy.a       the daemon's layers
#   proxy/main.c           -> $(BUILD)/pointsman
#   tests/cluster/lib*.c   -> $(BUILD)/libcluster.a     starts and breaks real replication sets
#   tests/cluster/pm-*.c   -> $(BUILD)/tests/pm-*       the same from the shell
#   tests/unit/**/test_*.c -> $(BUILD)/tests/unit/...   one cmocka program a file
#   tests/functional/test_*.c                           the same, against real servers; mysql/: MySQL only
#   tests/fuzz/fuzz_*.c    -> $(BUILD)/tests/fuzz/...   a corpus runner with gcc, libFuzzer with `make fuzz`
#   tests/bench/*.c        -> $(BUILD)/tests/bench/...
#   tests/drivers/*                                   what applications' drivers do, a script each
#   tests/demo/*.c         -> $(BUILD)/tests/demo/demo
#   tests/lint/*           the rules of the house, one program a rule
#
# Variants build beside each other, in $(BUILD)-asan, $(BUILD)-clang and so on. V=1 prints the commands, and what
# tests that pass have printed.

BUILD    ?= build
CC       ?= cc
SANITIZE ?=
OPTIMISE ?= -O2 -g
PREFIX   ?= /usr/local
SYSCONFDIR ?= /etc
JOBS     ?= $(shell nproc)
export TEST_TIMEOUT ?= 300
VERSION  := $(shell sed -n 's/^\#\# \([0-9][0-9.]*\).*/\1/p' CHANGELOG.md | head -1)

PKGS     := mysqlclient libcrypto libssl zlib libzstd inih libpcre2-8 libmicrohttpd jansson
# Asked once, when first needed: `make deps` comes before.
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS = $(eval PKG_LIBS := $(shell pkg-config --libs $(PKGS)))$(PKG_LIBS)
WARN     := -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wwrite-strings -Wshadow
CFLAGS   ?= $(OPTIMISE)
ALL_CFLAGS = -std=gnu17 $(WARN) $(WERROR) $(CFLAGS) -fno-strict-aliasing -fstack-protector-strong -D_GNU_SOURCE \
             -DPOINTSMAN_VERSION='"$(VERSION)"' -Iinclude $(PKG_CFLAGS) \
             $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
ALL_LDFLAGS = $(LDFLAGS) -pthread $(if $(SANITIZE),-fsanitize=$(SANITIZE))
LIBS     = $(PKG_LIBS) -lev -lm

PROTOCOL := $(wildcard protocol/*.c)
PROXY    := $(wildcard proxy/*/*.c)
CLUSTER  := $(wildcard tests/cluster/lib*.c)
TOOLS    := $(patsubst tests/cluster/%.c,$(BUILD)/tests/%,$(wildcard tests/cluster/pm-*.c))
UNIT     := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*/test_*.c tests/unit/*/*/test_*.c))
FUNC     := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/functional/test_*.c))
MYSQL_ONLY := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/functional/mysql/test_*.c))
FUZZ     := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
BENCH    := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/*.c))
DEMO     := $(BUILD)/tests/demo/demo
LINT     := $(wildcard tests/lint/*)
SOURCES  := $(shell find protocol proxy tests -name '*.c')
HEADERS  := $(shell find include protocol proxy tests -name '*.h')
obj       = $(patsubst %.c,$(BUILD)/%.o,$(1))

# Commands are announced by a word and a file, with -s not at all: `$(call say,cc,$@)` begins a recipe's line.
silent   := $(findstring s,$(firstword -$(MAKEFLAGS)))
say       = $(if $(V),,@$(if $(silent),,printf '  %-8s%s\n' $(1) $(2);))
# $(in_parallel) for a $(MAKE) that nobody has told how many jobs to run.
in_parallel = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS)) --no-print-directory

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
all: $(BUILD)/pointsman ## the program, build/pointsman

$(BUILD)/pointsman: $(call obj,proxy/main.c) $(BUILD)/libproxy.a $(BUILD)/libprotocol.a
	$(call say,ld,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
$(BUILD)/libprotocol.a: $(call obj,$(PROTOCOL))
	$(call say,ar,$@)rm -f $@ && ar rcs $@ $^
$(BUILD)/libproxy.a: $(call obj,$(PROXY))
	$(call say,ar,$@)rm -f $@ && ar rcs $@ $^
$(BUILD)/libcluster.a: $(call obj,$(CLUSTER))
	$(call say,ar,$@)rm -f $@ && ar rcs $@ $^

# A change of flags rebuilds: objects depend on a stamp that only moves when the command line does.
$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,cc,$<)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(ALL_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS)' > $@

$(UNIT): $(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/libproxy.a $(BUILD)/libprotocol.a
	$(call say,ld,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS) -lcmocka
# This one makes each allocation fail in turn.
$(BUILD)/tests/unit/config/test_config_memory: ALL_LDFLAGS += -Wl,--wrap=calloc,--wrap=reallocarray,--wrap=strdup,--wrap=free
# So do these, by tests/unit/scarce.h.
$(filter-out %/test_config_memory,$(filter %_memory,$(UNIT))): ALL_LDFLAGS += -Wl,--wrap=malloc,--wrap=calloc
$(FUNC) $(MYSQL_ONLY): $(BUILD)/tests/functional/%: $(BUILD)/tests/functional/%.o $(BUILD)/libcluster.a $(BUILD)/libproxy.a $(BUILD)/libprotocol.a
	$(call say,ld,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS) -lcmocka
$(TOOLS): $(BUILD)/tests/%: $(BUILD)/tests/cluster/%.o $(BUILD)/libcluster.a
	$(call say,ld,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
$(DEMO): $(call obj,$(wildcard tests/demo/*.c)) $(BUILD)/libcluster.a $(BUILD)/libproxy.a $(BUILD)/libprotocol.a
	$(call say,ld,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
$(BENCH): $(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o $(BUILD)/libproxy.a $(BUILD)/libprotocol.a
	$(call say,ld,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
# Without libFuzzer a target is linked with a main that feeds it the files named on its command line.
FUZZ_MAIN ?= $(BUILD)/tests/fuzz/main.o
$(FUZZ): $(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(FUZZ_MAIN) $(BUILD)/libproxy.a $(BUILD)/libprotocol.a
	$(call say,ld,$@)$(CC) $(ALL_LDFLAGS) $(FUZZ_LDFLAGS) -o $@ $^ $(LIBS)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

deps: ## install what building and checking needs (Debian, Ubuntu); deps-bench, deps-drivers: and for those
	@tools/deps
deps-bench:
	@tools/deps bench
deps-drivers:
	@tools/deps drivers

# The slowest first: they mostly wait, and the short ones fill the gaps.
PROGRAMS := $(BUILD)/pointsman $(FUNC) $(TOOLS) $(UNIT) $(FUZZ)
unit: $(UNIT) ## run the unit tests
	@tests/run-parallel $(UNIT)
fuzz-corpora: $(FUZZ) ## run each fuzz target over its committed corpus
	@tests/run-parallel $(FUZZ)
functional: $(BUILD)/pointsman $(TOOLS) $(FUNC) ## run the tests against real servers, which they start themselves
	@tests/run-parallel $(FUNC)
lint: $(BUILD)/libprotocol.a ## the rules of the house: tests/lint/*
	@BUILD=$(BUILD) tests/run-parallel $(LINT)
check: deps ## all of that, on whatever machine: deps, build, functional, lint, unit, fuzz-corpora
	@$(MAKE) $(in_parallel) check-here
check-here: $(PROGRAMS)
	@BUILD=$(BUILD) tests/run-parallel $(FUNC) $(LINT) $(UNIT) $(FUZZ)
check-figures: $(BUILD)/pointsman $(FUNC) ## on a machine that does nothing else: longest waits and connections held
	POINTSMAN_STRICT=1 POINTSMAN_ROUNDS=20 POINTSMAN_TEST='replicas_die*' $(BUILD)/tests/functional/test_faults
	POINTSMAN_STRICT=1 $(BUILD)/tests/functional/test_crowd
check-programs: $(PROGRAMS)
	@tests/run-parallel $(FUNC) $(UNIT) $(FUZZ)

# The functional tests that hold for MySQL too; `check` runs all of them with MariaDB.
MYSQL_FUNC := $(MYSQL_ONLY) $(addprefix $(BUILD)/tests/functional/test_,cluster monitor \
  pins sessions prepared share relay compression crowd faults faults_primary admin routing tls views)
check-mysql: check-mysql-deps ## functional tests against MySQL's servers: MYSQL_FUNC
	@$(MAKE) $(in_parallel) check-mysql-here
check-mysql-here: $(BUILD)/pointsman $(TOOLS) $(MYSQL_FUNC)
	@POINTSMAN_FLAVOUR=mysql tests/run-parallel $(MYSQL_FUNC)
check-mysql-deps: deps ## fetch MySQL's server, once, into a folder beside the system: tools/mysql-root
	@tools/mysql-root

check-drivers: deps deps-drivers ## drivers of several languages, through the proxy as directly: DRIVERS
	@$(MAKE) $(in_parallel) $(BUILD)/pointsman $(TOOLS) && BUILD=$(BUILD) tests/drivers/run

asan: ## the tests with address and undefined-behaviour sanitizers
	@$(MAKE) $(in_parallel) BUILD=$(BUILD)-asan OPTIMISE='-O1 -g' SANITIZE=address,undefined check-programs
tsan: ## the tests with the thread sanitizer
	@$(MAKE) $(in_parallel) BUILD=$(BUILD)-tsan OPTIMISE='-O1 -g' SANITIZE=thread check-programs
cover: ## the tests, and how much of each source they ran through
	@find $(BUILD)-cover -name '*.gcda' -delete 2>/dev/null || :
	@$(MAKE) $(in_parallel) BUILD=$(BUILD)-cover OPTIMISE='-O0 -g --coverage' LDFLAGS=--coverage check-programs; \
	  tested=$$?; tools/cover $(BUILD)-cover; exit $$tested
fuzz: ## fuzz each decoder with libFuzzer, FUZZ_SECONDS (60) each
	@$(MAKE) $(in_parallel) CC=clang BUILD=$(BUILD)-fuzz OPTIMISE='-O1 -g' SANITIZE=address,undefined,fuzzer-no-link FUZZ_MAIN= \
	  FUZZ_LDFLAGS=-fsanitize=fuzzer fuzz-run
fuzz-run: $(FUZZ)
	@set -e; for f in $(FUZZ); do n=$$(basename $$f); n=$${n#fuzz_}; mkdir -p $(BUILD)/corpus/$$n; \
	  echo "fuzz $$n"; $$f -max_total_time=$(or $(FUZZ_SECONDS),60) -timeout=5 -verbosity=0 $(BUILD)/corpus/$$n tests/fuzz/corpus/$$n; done

demo: deps ## a primary, two replicas, the proxy and a busy shop, to look at; until Ctrl-C
	@$(MAKE) $(in_parallel) $(DEMO) $(BUILD)/pointsman && exec $(DEMO)
demo-check: deps ## the demo for some seconds: were reads spread, and did no write reach a replica?
	@$(MAKE) $(in_parallel) $(DEMO) $(BUILD)/pointsman && exec $(DEMO) --check
bench: deps-bench ## measure beside direct connections and HAProxy: a table, a plot; TLS=1: what TLS costs
	@$(MAKE) $(in_parallel) $(BUILD)/pointsman $(TOOLS) $(BENCH) && BUILD=$(BUILD) exec tests/bench/$(if $(TLS),tls,run)
bench-docs: ## the last `make bench` becomes docs/benchmarks.md and its plot
	@test -e $(BUILD)/bench/benchmarks.md || { echo "there is no $(BUILD)/bench/benchmarks.md: make bench" >&2; exit 1; }
	cp $(BUILD)/bench/benchmarks.md $(BUILD)/bench/benchmarks.svg docs/
bench-instructions: deps-bench ## instructions a statement of the proxy, by callgrind
	@$(MAKE) $(in_parallel) $(BUILD)/pointsman $(TOOLS) && BUILD=$(BUILD) exec tests/bench/instructions
.PHONY: bench-docs bench-instructions

# Objects only; gcc warns of some things only when it optimises.
objects: $(call obj,$(SOURCES))
warnings: ## compile everything by gcc and by clang, a warning is an error
	@$(MAKE) $(in_parallel) BUILD=$(BUILD)-gcc CC=gcc WERROR=-Werror objects
	@$(MAKE) $(in_parallel) BUILD=$(BUILD)-clang CC=clang OPTIMISE=-O0 WERROR=-Werror objects
tidy: ## clang-tidy over the program's sources, as .clang-tidy says
	@printf '%s\n' proxy/main.c $(PROTOCOL) $(PROXY) | xargs -P $(JOBS) -n 4 sh -c 'clang-tidy --quiet "$$@" -- $(subst ','"'"',$(ALL_CFLAGS)) 2>/dev/null' tidy
format: ## clang-format for all sources
	@$(firstword $(shell command -v clang-format-14 clang-format)) -i $(SOURCES) $(HEADERS)
metrics: ## lengths of functions and files, by folder
	@tools/metrics

DOCUMENTS := $(wildcard README.md CHANGELOG.md LICENSE docs/*.md)
install: $(BUILD)/pointsman ## into $(DESTDIR)$(PREFIX) and $(DESTDIR)$(SYSCONFDIR); a configuration that is there stays
	install -D -m 755 $< $(DESTDIR)$(PREFIX)/bin/pointsman
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/pointsman $(DOCUMENTS) conf/pointsman.ini
	test -e $(DESTDIR)$(SYSCONFDIR)/pointsman/pointsman.ini || \
	  install -D -m 640 conf/pointsman.ini $(DESTDIR)$(SYSCONFDIR)/pointsman/pointsman.ini
uninstall: ## takes all of that away again, but not a configuration that was changed
	rm -f $(DESTDIR)$(PREFIX)/bin/pointsman
	rm -rf $(DESTDIR)$(PREFIX)/share/doc/pointsman
	if cmp -s conf/pointsman.ini $(DESTDIR)$(SYSCONFDIR)/pointsman/pointsman.ini; then \
	  rm -r $(DESTDIR)$(SYSCONFDIR)/pointsman; fi
clean: ## remove all that was built
	rm -rf $(BUILD) $(addprefix $(BUILD)-,asan tsan cover fuzz gcc clang)
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-20s%s\n", $$1, $$2 }' Makefile

.PHONY: all deps deps-bench deps-drivers check-drivers check-figures unit fuzz-corpora functional lint check check-here check-programs asan tsan cover fuzz \
  fuzz-run demo demo-check bench objects warnings tidy format metrics install uninstall clean help \
  check-mysql check-mysql-here check-mysql-deps FORCE
FORCE:
