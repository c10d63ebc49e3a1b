# softdelete is built with PGXS, PostgreSQL's build system for extensions. `make help` lists the targets.

EXTENSION  = softdelete
EXTVERSION = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" softdelete.control)
MODULE_big = softdelete
SOURCES   := $(sort $(shell find src -name '*.cpp'))

SHLIB_LINK = -lstdc++

# The headers that nearly all files include are compiled once, for all but the two pure folders. The files of a folder are
# compiled together, in a third of the time. APART=1 compiles each on its own, PRECOMPILED= without that header as well.
PRECOMPILED = src/pg/precompiled.hpp
PCH         = $(addsuffix .gch,$(PRECOMPILED))
FOLDERS    := $(patsubst %/,%,$(sort $(dir $(SOURCES))))
TOGETHER    = $(if $(APART),,$(PRECOMPILED))
OBJS       := $(if $(TOGETHER),$(FOLDERS:=/together.o),$(SOURCES:.cpp=.o))
IMPURE      = $(filter-out src/model/% src/sqltext/%,$(OBJS))

# The server to build for: what PG_CONFIG says, else the newest that can be built for.
GIVEN_PG_CONFIG := $(PG_CONFIG)
FOUND_PG_CONFIG := $(shell PG_CONFIG='$(PG_CONFIG)' sh test/server/find-pg-config 2>/dev/null)
override PG_CONFIG = $(FOUND_PG_CONFIG)

# The install script is one file made of parts; upgrade scripts are written as they are.
SQL_PARTS := $(sort $(wildcard src/extension/[0-9][0-9]_*.sql))
DATA       = $(wildcard src/extension/upgrade/*.sql)
DATA_built = $(EXTENSION)--$(EXTVERSION).sql

# The manual. It gets a folder of its own, since other extensions have pages of these names, too.
DOCS = $(wildcard doc/*.md)
override docmoduledir = extension/$(EXTENSION)

# The server's headers are system headers, so that the warnings are about our code only. Only what is marked PGDLLEXPORT
# leaves the library; version 15 leaves that macro empty and takes a definition from outside.
# Debug information is that of backtraces, lines and functions; DEBUG=1 brings all of it.
PG_CPPFLAGS = -Isrc -isystem $(includedir_server) -MMD -MP $(if $(filter 15,$(MAJORVERSION)),$(EXPORT))
PG_CXXFLAGS = -std=c++20 -fvisibility=hidden -fno-strict-aliasing -Wall -Wextra -Wpedantic $(if $(DEBUG),,-g1) $(if $(WERROR),-Werror)
ifdef UBSAN
PG_CXXFLAGS += -fsanitize=undefined -fno-sanitize-recover=undefined
SHLIB_LINK += -fsanitize=undefined
endif
# Which lines run, counted beside the objects.
ifdef COVERAGE
PG_CXXFLAGS += --coverage -O0 -U_FORTIFY_SOURCE
SHLIB_LINK += --coverage
endif
EXPORT      = -D'PGDLLEXPORT=__attribute__((visibility("default")))'
EXTRA_CLEAN = $(SOURCES:.cpp=.[od]) $(FOLDERS:=/together.*) $(PCH) $(PCH:.gch=.d) .buildflags

# No bitcode: nothing here is worth inlining into JIT code. Dependencies: ours (-MMD), whatever the server was built with.
override with_llvm  = no
override autodepend = no

# Our own installcheck (below) says what it needs and cleans up.
NO_INSTALLCHECK = 1
EXTRA_CLEAN += results regression.diffs regression.out

ifneq ($(PG_CONFIG),)
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)
# As distributions do, the installed library has no debug information.
INSTALL_STRIP_FLAG = $(if $(DEBUG),,-s)
else
all install installdirs uninstall check:
	@PG_CONFIG='$(GIVEN_PG_CONFIG)' sh test/server/find-pg-config
clean:
	rm -rf $(OBJS) $(EXTRA_CLEAN) $(DATA_built) softdelete.so
endif

-include $(OBJS:.o=.d)

# GCC 12 takes the strings of the precompiled standard library for our code, and warns of what they cannot do.
ifneq ($(PRECOMPILED),)
-include $(PCH:.gch=.d)
$(IMPURE): $(PCH)
$(IMPURE): override CXXFLAGS += -include $(PRECOMPILED) -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-restrict
$(PCH): $(PRECOMPILED) .buildflags
	$(CXX) $(CXXFLAGS) $(CPPFLAGS) -MF $(PCH:.gch=.d) -x c++-header -c -o $@ $<
endif

$(DATA_built): $(SQL_PARTS) softdelete.control
	cat $(SQL_PARTS) > $@

# The version of the SQL objects that the library works with, which it compares with the database's.
VERSIONED = src/session/$(if $(TOGETHER),together,extension_functions).o
$(VERSIONED): override CPPFLAGS += -DSOFTDELETE_VERSION='"$(EXTVERSION)"'
$(VERSIONED): softdelete.control

# The list of a folder's files, written when it changes.
%/together.o: %/together.cc
	$(CXX) $(CXXFLAGS) $(CPPFLAGS) -c -o $@ $<
.SECONDARY: $(FOLDERS:=/together.cc)
%/together.cc: FORCE
	@printf '#include "%s"\n' $(sort $(notdir $(wildcard $*/*.cpp))) >$@.new
	@if cmp -s $@.new $@; then rm -f $@.new; else mv -f $@.new $@; fi

# Another server or other flags: compile anew.
BUILDFLAGS = $(shell $(PG_CONFIG) --version) $(includedir_server) $(CXX) $(filter-out -Werror,$(CXXFLAGS))
$(OBJS): .buildflags
.buildflags: FORCE
	@echo '$(BUILDFLAGS)' | cmp -s - $@ || { rm -f $@ && echo '$(BUILDFLAGS)' > $@; }

# What another user has made here, as root by `make install`, can be replaced, but not written to.
BUILT := -name '*.[od]' -o -name 'together.cc*' -o -name '*.gch' -o -name '*.so' -o -name .buildflags -o -path './$(EXTENSION)--*'
$(shell find . -name .git -prune -o -type f ! -writable \( $(BUILT) \) -exec rm -f {} + 2>/dev/null)

#
# Development: everything below works on a private copy of the server and leaves the machine's own alone.
#
# Nothing about the server is decided here, since some targets install one first.
RUN     = OUT= STAGE= FRESH_STAGE= MAKE='$(MAKE)' PG_CONFIG='$(GIVEN_PG_CONFIG)' TESTS='$(TESTS)' PURPOSE='$(PURPOSE)'
PRIVATE = sh test/server/with-install
SERVER  = $(PRIVATE) sh test/server/with-server
PURPOSE = demo

help:
	@echo 'make, make install, make installcheck    as for any extension (PG_CONFIG=... picks the server)'
	@echo 'make demo                                see it work on a throw-away server'
	@echo 'make shell                               psql on a throw-away server; also: make shell < file.sql'
	@echo 'make test [TESTS="..."]                  lint and all tests, or only those named; installs what it needs'
	@echo 'make regress|isolation|tap [TESTS="..."] one kind of test, or only those named'
	@echo 'make expected TESTS="..."                run these and take what they print as expected output'
	@echo 'make test-assert|test-ubsan [TESTS="..."] the tests on a server with assertions, or with a library that'
	@echo '                                         looks for undefined behaviour; make test-valgrind TESTS="..."'
	@echo 'make coverage [TESTS="..."]              the tests, and then which lines of src have run, per file'
	@echo 'make upgrade-test OLD=... NEW=...        pg_upgrade between the servers of two pg_config programs'
	@echo 'make core-regress                        the core suite of PostgreSQL with and without the library'
	@echo 'make bench [TESTS="..."]                 the figures in doc/performance.md, or those of the scripts named'
	@echo 'make bench-compare OLD=commit            what takes 10 % more processor instructions than it did then'
	@echo 'make fresh-test SUITE=... [TESTS="..."]  demo and tests on a fresh Debian of that name, in a chroot'
	@echo 'make test-matrix [VERSIONS="15 18"]      the tests on each version, in such chroots; the table of doc/versions.md'
	@echo 'make test-clients [TESTS="..."]          real ORMs and drivers on registered tables; the table of doc/clients.md'
	@echo 'make test-migrations                     the 301 migrations of a Rails application on registered tables'
	@echo 'make dist                                the archive for PGXN: softdelete-VERSION.zip'
	@echo 'make lint, make style, make format       check our conventions; style by shellcheck, clang-format; format'
	@echo 'KEEP=1 make ...                          keep the temporary folder and name it'

test expected:
	@$(RUN) sh test/server/$@

regress isolation tap core-regress:
	@$(RUN) $(PRIVATE) sh test/server/$@

demo bench:
	@$(RUN) $(SERVER) sh test/server/$@

shell:
	@$(RUN) $(SERVER) psql -X

test-assert test-ubsan:
	@$(RUN) test/server/$@

coverage: PURPOSE = test
coverage:
	@$(RUN) COVERAGE=1 $(PRIVATE) test/server/coverage

test-valgrind:
	@$(RUN) $(PRIVATE) test/server/$@

installcheck:
	@$(RUN) sh test/server/installcheck

tap: PURPOSE = test

upgrade-test:
	@$(RUN) OLD='$(OLD)' NEW='$(NEW)' sh test/server/upgrade-test

bench-compare:
	@$(RUN) OLD='$(OLD)' sh test/server/bench-compare

fresh-test:
	@$(RUN) SUITE='$(SUITE)' sh test/server/fresh-test

test-matrix:
	@$(RUN) VERSIONS='$(VERSIONS)' sh test/server/test-matrix

test-clients:
	@$(RUN) CLIENTS_CACHE='$(CLIENTS_CACHE)' sh test/clients/run

test-migrations: PURPOSE = test
test-migrations:
	@$(RUN) sh test/migrations/run

# What is committed, without what only its history needs.
DISTVERSION = $(shell sed -n 's/^    "version": "\(.*\)",/\1/p' META.json)
dist: style
	git archive --format zip --prefix=$(EXTENSION)-$(DISTVERSION)/ -o $(EXTENSION)-$(DISTVERSION).zip HEAD

lint:
	@sh test/server/lint test/lint

style:
	@sh test/server/lint test/style

format:
	clang-format -i $(shell find src -name '*.[ch]pp')

FORCE:
.PHONY: help test expected core-regress regress isolation tap coverage demo bench bench-compare shell installcheck upgrade-test \
        fresh-test test-matrix test-clients test-migrations dist lint style format FORCE
