# softdelete is built with PGXS, PostgreSQL's build system for extensions. `make help` lists the targets.

EXTENSION  = softdelete
EXTVERSION = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" softdelete.control)
MODULE_big = softdelete
OBJS      := $(patsubst %.cpp,%.o,$(sort $(shell find src -name '*.cpp')))
SHLIB_LINK = -lstdc++
PG_CONFIG ?= pg_config

# The install script is one file made of parts; upgrade scripts are written as they are.
SQL_PARTS := $(sort $(wildcard src/extension/[0-9][0-9]_*.sql))
DATA       = $(wildcard src/extension/upgrade/*.sql)
DATA_built = $(EXTENSION)--$(EXTVERSION).sql

# sql/setup.sql makes the database that the other files work in. TESTS="name ..." picks some of them. What a version
# brought is tested in since_VERSION.
TOO_NEW      = $(if $(filter 15 16,$(MAJORVERSION)),since_17) $(if $(filter 15 16 17,$(MAJORVERSION)),since_18) \
               $(if $(filter 15 16 17 18,$(MAJORVERSION)),since_19)
SQL_TESTS    = $(filter-out $(TOO_NEW),$(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql))))
REGRESS      = $(filter setup,$(SQL_TESTS)) $(filter-out setup,$(or $(TESTS),$(SQL_TESTS)))
REGRESS_OPTS = --no-locale --encoding=UTF8

# The server's headers are system headers, so that the warnings are about our code only. Only what is marked PGDLLEXPORT
# leaves the library; version 15 leaves that macro empty and takes a definition from outside.
# Debug information is that of backtraces, lines and functions; DEBUG=1 brings all of it.
# FAULTS=1 makes a library for tests whose guarded calls can be made to fail (test/tap/faults.pl).
PG_CPPFLAGS = $(if $(FAULTS),-DSOFTDELETE_FAULTS) -Isrc -isystem $(includedir_server) -MMD -MP $(if $(filter 15,$(MAJORVERSION)),$(EXPORT))
PG_CXXFLAGS = -std=c++20 -fvisibility=hidden -fno-strict-aliasing -Wall -Wextra -Wpedantic $(if $(DEBUG),,-g1) $(if $(WERROR),-Werror)
EXPORT      = -D'PGDLLEXPORT=__attribute__((visibility("default")))'
EXTRA_CLEAN = $(OBJS:.o=.d) $(PCH) $(PCH:.gch=.d) .buildflags

# The headers that nearly all files include are compiled once, for all but the two pure folders. PRECOMPILED= does without.
# GCC 12 then takes the standard library's strings for our code, and warns of what they cannot do.
PRECOMPILED = src/pg/precompiled.hpp
PCH         = $(addsuffix .gch,$(PRECOMPILED))
IMPURE      = $(filter-out src/model/% src/sqltext/%,$(OBJS))

# No bitcode: nothing here is worth inlining into JIT code. Dependencies: ours (-MMD), whatever the server was built with.
override with_llvm  = no
override autodepend = no

PGXS := $(wildcard $(shell $(PG_CONFIG) --pgxs 2>/dev/null))
ifneq ($(PGXS),)
include $(PGXS)
else
all install installcheck clean:
	@echo "$(PG_CONFIG) leads to no PGXS; install postgresql-server-dev or set PG_CONFIG" >&2; exit 1
endif

-include $(OBJS:.o=.d)

ifneq ($(PRECOMPILED),)
-include $(PCH:.gch=.d)
$(IMPURE): $(PCH)
$(IMPURE): override CXXFLAGS += -include $(PRECOMPILED) -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-restrict
$(PCH): $(PRECOMPILED) .buildflags
	$(CXX) $(CXXFLAGS) $(CPPFLAGS) -MF $(PCH:.gch=.d) -x c++-header -c -o $@ $<
endif

$(DATA_built): $(SQL_PARTS) softdelete.control
	cat $(SQL_PARTS) > $@

# Another server or other flags: compile anew.
BUILDFLAGS = $(FAULTS) $(shell $(PG_CONFIG) --version) $(includedir_server) $(CXX) $(filter-out -Werror,$(CXXFLAGS))
$(OBJS): .buildflags
.buildflags: FORCE
	@echo '$(BUILDFLAGS)' | cmp -s - $@ || echo '$(BUILDFLAGS)' > $@

#
# Development: everything below works on a private copy of the server and leaves the machine's own alone.
#
RUN     = MAKE='$(MAKE)' PG_CONFIG='$(PG_CONFIG)' REGRESS='$(REGRESS)' TESTS='$(TESTS)'
PRIVATE = test/server/with-install
SERVER  = $(PRIVATE) test/server/with-server
SOURCES = $(shell find src -name '*.[ch]pp')

help:
	@echo 'make, make install, make installcheck    as for any extension (PG_CONFIG=... picks the server)'
	@echo 'make demo                                see it work on a throw-away server'
	@echo 'make shell                               psql on a throw-away server; also: make shell < file.sql'
	@echo 'make test                                lint and all tests; installs what the machine lacks'
	@echo 'make regress|isolation|tap [TESTS="..."] one kind of test, or only those named'
	@echo 'make expected TESTS="..."                run these and take what they print as expected output'
	@echo 'make upgrade-test OLD=... NEW=...        pg_upgrade between the servers of two pg_config programs'
	@echo 'make core-regress                        the core suite of PostgreSQL with and without the library'
	@echo 'make bench                               the figures in README'
	@echo 'make lint, make format                   check the conventions; format the sources'
	@echo 'KEEP=1 make ...                          keep the temporary folder and name it'

test expected:
	@$(RUN) test/server/$@

regress isolation tap core-regress:
	@$(RUN) $(PRIVATE) test/server/$@

demo bench:
	@$(RUN) $(SERVER) test/server/$@

shell:
	@$(RUN) $(SERVER) psql -X

upgrade-test:
	@$(RUN) OLD='$(OLD)' NEW='$(NEW)' test/server/upgrade-test

lint:
	@test/server/lint

format:
	clang-format -i $(SOURCES)

FORCE:
.PHONY: help test expected core-regress regress isolation tap demo bench shell upgrade-test lint format FORCE
