# A cluster for a benchmark of the server. Sourced with bash.
#
#   bench_program TARGET       builds a program of test/bench; sets `program`
#   bench_cluster NAME PORT    starts a throw-away cluster; stops it at the end. Sets `postmaster` (its process)
#
# Environment: CLUSTER=FOLDER keeps tables and indexes there for the next run, SHARED_BUFFERS (4GB), PORT.
. "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/lib/common.sh"

bench_program() {
  mkdir -p build
  cmake -S . -B build/bench -G Ninja -DCMAKE_BUILD_TYPE=Release -DMEDVEC_BENCHMARKS=ON -DMEDVEC_TESTS=OFF \
    -DMEDVEC_EMBEDDER=OFF --log-level=WARNING > build/bench.log 2>&1 || { cat build/bench.log >&2; exit 1; }
  cmake --build build/bench --target "$1" > build/bench.log || { cat build/bench.log >&2; exit 1; }
  program=$(find build/bench/test/bench -name "$1" -type f -perm -u+x)
}

bench_cluster() {
  local settings port=${PORT:-$2}
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
    make_work "$1"
    clean="as_root rm -rf '$work'"
  fi
  if [ -f "$work/data/PG_VERSION" ]; then
    as_owner tee -a "$work/data/postgresql.conf" <<< "$settings" > /dev/null
    as_owner "$("$PG_CONFIG" --bindir)/pg_ctl" -D "$work/data" -o "-p $port" -l "$work/server.log" -w -s start
    export PGHOST=$work PGPORT=$port PGUSER=postgres
  else
    make_cluster "$work" "$port" <<< "$settings"
  fi
  trap 'stop_cluster "$work"; eval "$clean"' EXIT
  postmaster=$(as_owner head -1 "$work/data/postmaster.pid")
}
