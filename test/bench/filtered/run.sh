#!/usr/bin/env bash
# Builds filtered_bench, starts a cluster of its own and runs bench.py in it; see README.md.
#
#   [CLUSTER=FOLDER] [SHARED_BUFFERS=4GB] [PORT=54327] test/bench/filtered/run.sh search SET ... [options of bench.py]
#   ... test/bench/filtered/run.sh planning
#
# Tables and indexes stay for the next run where CLUSTER names a folder; without it all is removed at the end. Installs
# nothing: medvec (make install) and pgvector (../server/install_pgvector.sh) must be there, else they are left out.
. "$(dirname "${BASH_SOURCE[0]}")/../server/cluster.sh"

bench_program filtered_bench
bench_cluster filtered 54327
python3 test/bench/filtered/bench.py --program "$program" --postmaster "$postmaster" --metadata "$data/xray/nih_metadata.csv.gz" "$@"
