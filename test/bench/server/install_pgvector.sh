#!/usr/bin/env bash
# Builds pgvector from its source and installs it beside medvec; both can be in one server, in two databases.
#
#   test/bench/server/install_pgvector.sh SOURCE [FLAGS]
#
# SOURCE is pgvector's source (0.8.0; in Debian from trixie on: apt-get source pgvector). FLAGS go into its OPTFLAGS:
# none, as Debian builds it, or -march=native, as its own Makefile does.
. "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/lib/common.sh"
source=${1:?"usage: install_pgvector.sh SOURCE [FLAGS]"}

stage=$(mktemp -d -t pgvector.XXXXXX)
trap 'rm -rf "$stage"' EXIT
flags=(-s -C "$source" PG_CONFIG="$PG_CONFIG" OPTFLAGS="${2:-}" with_llvm=no)
make "${flags[@]}" clean
make -j"$(nproc)" "${flags[@]}"
make "${flags[@]}" install DESTDIR="$stage"
as_root cp -r --no-preserve=ownership --remove-destination "$stage/." /
