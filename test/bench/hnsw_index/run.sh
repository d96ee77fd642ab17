#!/usr/bin/env bash
# Builds hnsw_index_bench, starts a cluster of its own and runs bench.py in it; see README.md.
#
#   [CLUSTER=FOLDER] [SHARED_BUFFERS=4GB] [PORT=54326] test/bench/hnsw_index/run.sh MODE SET ... [options of bench.py]
#
# Tables and indexes stay for the next run where CLUSTER names a folder; without it all is removed at the end. Installs
# nothing: medvec (make install) and pgvector (install_pgvector.sh) must be there, else they are left out.
. "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/lib/common.sh"
here=test/bench/hnsw_index

mkdir -p build
cmake -S . -B build/bench -G Ninja -DCMAKE_BUILD_TYPE=Release -DMEDVEC_BENCHMARKS=ON -DMEDVEC_TESTS=OFF \
  -DMEDVEC_EMBEDDER=OFF --log-level=WARNING > build/bench.log 2>&1 || { cat build/bench.log >&2; exit 1; }
cmake --build build/bench --target hnsw_index_bench > build/bench.log || { cat build/bench.log >&2; exit 1; }

# Statistics and page images are taken on purpose, never by a background process.
settings="shared_buffers = ${SHARED_BUFFERS:-4GB}
autovacuum = off
max_wal_size = 64GB
checkpoint_timeout = 1d
bgwriter_lru_maxpages = 0
jit = off"

if [ -n "${CLUSTER:-}" ]; then
  work=$CLUSTER clean=:
  if [ ! -d "$work" ]; then as_root install -d -o "$cluster_owner" -m 755 "$work"; fi
else
  make_work hnsw-index
  clean="as_root rm -rf '$work'"
fi
port=${PORT:-54326}
if [ -f "$work/data/PG_VERSION" ]; then
  as_owner tee -a "$work/data/postgresql.conf" <<< "$settings" > /dev/null
  as_owner "$("$PG_CONFIG" --bindir)/pg_ctl" -D "$work/data" -o "-p $port" -l "$work/server.log" -w -s start
  export PGHOST=$work PGPORT=$port PGUSER=postgres
else
  make_cluster "$work" "$port" <<< "$settings"
fi
trap 'stop_cluster "$work"; eval "$clean"' EXIT
python3 "$here/bench.py" --program build/bench/test/bench/hnsw_index/hnsw_index_bench --postmaster \
  "$(as_owner head -1 "$work/data/postmaster.pid")" "$@"
