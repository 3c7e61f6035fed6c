# Pointsman's build. `make help` lists the targets; everything that is made lands in $(BUILD).
#
#   protocol/*.c           -> $(BUILD)/libprotocol.a    pure: bytes in, facts out
#   proxy/*/*.c            -> $(BUILD)/libproxy.a       the daemon's layers
#   proxy/main.c           -> $(BUILD)/pointsman
#   tests/cluster/lib*.c   -> $(BUILD)/libcluster.a     starts and breaks real replication sets
#   tests/cluster/pm-*.c   -> $(BUILD)/tests/pm-*       the same from the shell
#   tests/unit/**/test_*.c -> $(BUILD)/tests/unit/...   one cmocka program a file
#   tests/functional/test_*.c                           the same, against real servers
#   tests/fuzz/fuzz_*.c    -> $(BUILD)/tests/fuzz/...   a corpus runner with gcc, libFuzzer with `make fuzz`
#   tests/bench/*.c        -> $(BUILD)/tests/bench/...
#
# Variants build beside each other: BUILD=build-asan SANITIZE=address,undefined, and so on.

BUILD    ?= build
CC       ?= cc
SANITIZE ?=
OPTIMISE ?= -O2 -g
PREFIX   ?= /usr/local
VERSION  := $(shell sed -n 's/^\#\# \([0-9][0-9.]*\).*/\1/p' CHANGELOG.md | head -1)

PKGS     := mysqlclient libcrypto libssl inih libpcre2-8 libmicrohttpd jansson
WARN     := -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wwrite-strings -Wshadow
CFLAGS   ?= $(OPTIMISE)
ALL_CFLAGS = -std=gnu17 $(WARN) $(WERROR) $(CFLAGS) -fno-strict-aliasing -fstack-protector-strong -D_GNU_SOURCE \
             -DPOINTSMAN_VERSION='"$(VERSION)"' -Iinclude $(shell pkg-config --cflags $(PKGS)) \
             $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
ALL_LDFLAGS = $(LDFLAGS) -pthread $(if $(SANITIZE),-fsanitize=$(SANITIZE))
LIBS     = $(shell pkg-config --libs $(PKGS)) -lev -lm

PROTOCOL := $(wildcard protocol/*.c)
PROXY    := $(wildcard proxy/*/*.c)
CLUSTER  := $(wildcard tests/cluster/lib*.c)
TOOLS    := $(patsubst tests/cluster/%.c,$(BUILD)/tests/%,$(wildcard tests/cluster/pm-*.c))
UNIT     := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*/test_*.c tests/unit/*/*/test_*.c))
FUNC     := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/functional/test_*.c))
FUZZ     := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
BENCH    := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/*.c))
obj       = $(patsubst %.c,$(BUILD)/%.o,$(1))

.DEFAULT_GOAL := all
all: $(BUILD)/pointsman ## the program, build/pointsman

$(BUILD)/pointsman: $(call obj,proxy/main.c) $(BUILD)/libproxy.a $(BUILD)/libprotocol.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
$(BUILD)/libprotocol.a: $(call obj,$(PROTOCOL))
	rm -f $@ && ar rcs $@ $^
$(BUILD)/libproxy.a: $(call obj,$(PROXY))
	rm -f $@ && ar rcs $@ $^
$(BUILD)/libcluster.a: $(call obj,$(CLUSTER))
	rm -f $@ && ar rcs $@ $^

# A change of flags rebuilds: objects depend on a stamp that only moves when the command line does.
$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(ALL_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS)' > $@

$(UNIT): $(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/libproxy.a $(BUILD)/libprotocol.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS) -lcmocka
# This one makes each allocation fail in turn.
$(BUILD)/tests/unit/config/test_config_memory: ALL_LDFLAGS += -Wl,--wrap=calloc,--wrap=reallocarray,--wrap=strdup,--wrap=free
$(FUNC): $(BUILD)/tests/functional/%: $(BUILD)/tests/functional/%.o $(BUILD)/libcluster.a $(BUILD)/libproxy.a $(BUILD)/libprotocol.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS) -lcmocka
$(TOOLS): $(BUILD)/tests/%: $(BUILD)/tests/cluster/%.o $(BUILD)/libcluster.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
$(BENCH): $(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o $(BUILD)/libproxy.a $(BUILD)/libprotocol.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
# Without libFuzzer a target is linked with a main that feeds it the files named on its command line.
FUZZ_MAIN ?= $(BUILD)/tests/fuzz/main.o
$(FUZZ): $(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(FUZZ_MAIN) $(BUILD)/libproxy.a $(BUILD)/libprotocol.a
	$(CC) $(ALL_LDFLAGS) $(FUZZ_LDFLAGS) -o $@ $^ $(LIBS)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

unit: $(UNIT) ## build and run the unit tests
	@tests/run-parallel $(UNIT)
fuzz-corpora: $(FUZZ) ## run each fuzz target over its committed corpus
	@set -e; for f in $(FUZZ); do n=$$(basename $$f); n=$${n#fuzz_}; $$f tests/fuzz/corpus/$$n; done
fuzz: ## fuzz each decoder with libFuzzer for FUZZ_SECONDS (default 60) each
	$(MAKE) CC=clang BUILD=build-fuzz OPTIMISE='-O1 -g' SANITIZE=address,undefined,fuzzer-no-link FUZZ_MAIN= \
	  FUZZ_LDFLAGS=-fsanitize=fuzzer fuzz-run
fuzz-run: $(FUZZ)
	@set -e; for f in $(FUZZ); do n=$$(basename $$f); n=$${n#fuzz_}; mkdir -p $(BUILD)/corpus/$$n; \
	  echo "fuzz $$n"; $$f -max_total_time=$(or $(FUZZ_SECONDS),60) -timeout=5 -verbosity=0 $(BUILD)/corpus/$$n tests/fuzz/corpus/$$n; done

.PHONY: all unit fuzz fuzz-run fuzz-corpora FORCE
FORCE:
