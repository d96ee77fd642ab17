#!/usr/bin/env bash
# Builds hnsw_index_bench, starts a cluster of its own and runs bench.py in it; see README.md.
#
#   [CLUSTER=FOLDER] [SHARED_BUFFERS=4GB] [PORT=54326] test/bench/hnsw_index/run.sh MODE SET ... [options of bench.py]
#
# Tables and indexes stay for the next run where CLUSTER names a folder; without it all is removed at the end. Installs
# nothing: medvec (make install) and pgvector (../server/install_pgvector.sh) must be there, else they are left out.
. "$(dirname "${BASH_SOURCE[0]}")/../server/cluster.sh"

bench_program hnsw_index_bench
bench_cluster hnsw-index 54326
python3 test/bench/hnsw_index/bench.py --program "$program" --postmaster "$postmaster" "$@"
