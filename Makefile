# What PostgreSQL loads: the module, its SQL and the suites that need a server. The embedder, unit tests and benchmarks
# are CMake's (CMakeLists.txt); `make` builds and installs them too unless EMBEDDER=no.
#
#   make && make install               extension and embedder, for the pg_config on the PATH
#   make PG_CONFIG=/path/to/pg_config  another server version (15, 17 or 18)
#   make EMBEDDER=no                   the extension alone, without libtorch and decoders
#   make installcheck                  pg_regress suites, against a running server
#   make install-as-vector             the SQL a second time as extension "vector", where pgvector is not installed
#   make check-regimes                 the error regimes of CONTRIBUTING.md hold
#   make STOP_POINTS=yes stop-points   a library for tests of concurrency (src/core/stop_point.hpp), not to be installed

EXTENSION  = medvec
EXTVERSION = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" medvec.control)
MODULE_big = medvec
PG_CONFIG ?= pg_config
PGXS      := $(shell $(PG_CONFIG) --pgxs)
PG_MAJOR  := $(shell $(PG_CONFIG) --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
BUILD      = build/pg$(PG_MAJOR)$(if $(filter yes,$(STOP_POINTS)),-stop-points)

# The three regimes of the sources the server loads: core knows no PostgreSQL, the rest is backend code.
CORE_SOURCES    = $(wildcard src/core/*.cpp src/core/*/*.cpp)
BACKEND_SOURCES = src/module.cpp $(wildcard src/pg/*.cpp src/types/*.cpp src/index/*.cpp src/index/*/*.cpp src/planner/*.cpp src/planner/*/*.cpp src/embed/*.cpp)
OBJS = $(CORE_SOURCES:%.cpp=$(BUILD)/%.o) $(BACKEND_SOURCES:%.cpp=$(BUILD)/%.o)

# The SQL that declares an object lies beside the C++ that implements it; this is the order in which it runs.
SQL_PARTS  = src/preflight.sql src/types/vector.sql src/types/halfvec.sql src/types/sparsevec.sql src/types/bit.sql src/types/within.sql src/index/hnsw.sql src/index/filters.sql src/index/diagnostics/diagnostics.sql src/embed/models.sql src/embed/bundled_models.sql src/embed/images.sql src/embed/embed_missing.sql
DATA       = $(wildcard sql/upgrade/$(EXTENSION)--*--*.sql)
DATA_built = $(EXTENSION)--$(EXTVERSION).sql

REGRESS       = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
REGRESS_OPTS  = --load-extension=medvec
EXTRA_CLEAN   = build $(EXTENSION)--*.sql

SHLIB_LINK = -lhwy -lstdc++
override with_llvm = no
include $(PGXS)

CXX ?= g++
MEDVEC_CXXFLAGS = -std=c++20 -O2 -g -fPIC -fno-exceptions -fno-rtti -fvisibility=hidden -fvisibility-inlines-hidden \
	-fno-math-errno -Wall -Wextra -Werror=return-type -DMEDVEC_VERSION='"$(EXTVERSION)"' -MMD -MP -Isrc
ifeq ($(STOP_POINTS),yes)
MEDVEC_CXXFLAGS += -DMEDVEC_STOP_POINTS
endif
COMPILE = $(strip $(CCACHE) $(CXX)) $(MEDVEC_CXXFLAGS) $(COPT)
CCACHE ?= $(shell command -v ccache)

# Core is compiled without the server's include path: a server header in it is a build error, not a review comment.
$(BUILD)/src/core/%.o: src/core/%.cpp Makefile
	@mkdir -p $(@D)
	$(COMPILE) -c -o $@ $<

$(BUILD)/src/%.o: src/%.cpp Makefile
	@mkdir -p $(@D)
	$(COMPILE) -isystem $(shell $(PG_CONFIG) --includedir-server) -c -o $@ $<

-include $(OBJS:.o=.d)

$(EXTENSION)--$(EXTVERSION).sql: $(SQL_PARTS) Makefile
	@echo 'joining $(words $(SQL_PARTS)) SQL parts into $@'
	@{ printf '%s\n' '\echo Use "CREATE EXTENSION medvec" to load this file. \quit'; \
	   for part in $(SQL_PARTS); do echo; echo "-- $$part"; cat $$part; done; } > $@

# Objects live apart by server version; the library they link into has one name, so say whose it is.
$(shell mkdir -p build; echo $(PG_MAJOR) | cmp -s - build/linked-for || echo $(PG_MAJOR) > build/linked-for)
$(shlib): build/linked-for

.PHONY: stop-points
stop-points: $(BUILD)/medvec.so
$(BUILD)/medvec.so: $(OBJS)
	$(CXX) -shared -o $@ $(OBJS) $(SHLIB_LINK)

.PHONY: check-regimes embedder install-embedder
check-regimes: all
	scripts/check-regimes $(shlib)

EMBEDDER ?= yes
ifneq ($(EMBEDDER),no)
all: embedder
install: install-embedder
endif

CMAKE_BUILD = build/cmake
embedder:
	@cmake -S . -B $(CMAKE_BUILD) -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo --log-level=WARNING > build/cmake.log
	cmake --build $(CMAKE_BUILD) --target medvec-embedder medvec-decoder -- --quiet

install-embedder: embedder
	$(MKDIR_P) '$(DESTDIR)$(bindir)'
	$(INSTALL_PROGRAM) $(CMAKE_BUILD)/embedder/medvec-embedder $(CMAKE_BUILD)/embedder/medvec-decoder '$(DESTDIR)$(bindir)'

# Models are data of the extension: they are installed with or without the embedder.
install: install-models
.PHONY: install-models
install-models:
	$(MKDIR_P) '$(DESTDIR)$(datadir)/medvec/models'
	$(INSTALL_DATA) $(wildcard models/*.pt) '$(DESTDIR)$(datadir)/medvec/models'

uninstall: uninstall-programs uninstall-as-vector
.PHONY: uninstall-programs
uninstall-programs:
	rm -f '$(DESTDIR)$(bindir)/medvec-embedder' '$(DESTDIR)$(bindir)/medvec-decoder'
	rm -rf '$(DESTDIR)$(datadir)/medvec'

# The same objects under the extension name that pgvector's clients ask for (docs/install-as-vector.md).
.PHONY: install-as-vector uninstall-as-vector
install-as-vector: $(DATA_built) | $(filter install,$(MAKECMDGOALS))
	@scripts/install-as-vector install '$(DESTDIR)$(datadir)/$(datamoduledir)' '$(DESTDIR)$(pkglibdir)'

uninstall-as-vector:
	@scripts/install-as-vector uninstall '$(DESTDIR)$(datadir)/$(datamoduledir)'
