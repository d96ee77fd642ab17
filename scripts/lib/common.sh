# Shared by the scripts: where things are, how root is reached, how a throw-away cluster is made.
# Sourced with bash; sets -euo pipefail.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"

pg_major=15
export PG_CONFIG=${PG_CONFIG:-/usr/lib/postgresql/$pg_major/bin/pg_config}

# Real images, metadata and networks for tests (data/README of the shared folder); empty where there are none.
data=${MEDVEC_DATA:-}
if [ -z "$data" ] && [ -d "$root/../shared/data" ]; then data=$(cd "$root/../shared/data" && pwd); fi
export MEDVEC_DATA=$data

say() { if [ -t 1 ]; then printf '\n\033[1m== %s\033[0m\n' "$*"; else printf '\n== %s\n' "$*"; fi; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# Runs a command as root.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Who owns throw-away clusters: PostgreSQL refuses to run as root.
if [ "$(id -u)" = 0 ]; then cluster_owner=postgres; else cluster_owner=$(id -un); fi
# They may not be allowed into the folder of the repository, so they start outside it.
as_owner() {
  if [ "$(id -un)" = "$cluster_owner" ]; then "$@"; else (cd / && runuser -u "$cluster_owner" -- "$@"); fi
}

# make_work NAME: sets `work` to a new folder of the clusters' owner, which all may read.
make_work() {
  work=$(mktemp -d -t "medvec-$1.XXXXXX")
  as_root chown "$cluster_owner" "$work"
  as_root chmod 755 "$work"
}

# Builds and installs extension and embedder. Root is needed for the copy alone, so that no file of the build becomes
# root's.
build_and_install() {
  make -s -j"$(nproc)" PG_CONFIG="$PG_CONFIG"
  rm -rf build/stage
  make -s install PG_CONFIG="$PG_CONFIG" DESTDIR="$root/build/stage" > build/install.log 2>&1 || { cat build/install.log >&2; return 1; }
  as_root cp -r --no-preserve=ownership --remove-destination build/stage/. /  # running programs cannot be written over
}

# make_cluster DIRECTORY PORT: a cluster of its own, reached by the socket in DIRECTORY alone; exports PGHOST and PGPORT.
# Nothing of it lies outside DIRECTORY, so removing that removes it. Lines on standard input are added to its settings.
make_cluster() {
  local dir=$1 port=$2 bin
  bin=$("$PG_CONFIG" --bindir)
  as_owner "$bin/initdb" -D "$dir/data" --username=postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 \
    --no-sync > "$dir/initdb.log"
  {
    echo "listen_addresses = ''"
    echo "unix_socket_directories = '$dir'"
    echo "port = $port"
    echo "fsync = off"
    cat
  } | as_owner tee -a "$dir/data/postgresql.conf" > /dev/null
  as_owner "$bin/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w -s start
  export PGHOST=$dir PGPORT=$port PGUSER=postgres
}

stop_cluster() {
  local dir=$1
  as_owner "$("$PG_CONFIG" --bindir)/pg_ctl" -D "$dir/data" -m fast -w -s stop || true
}

# debian_release DIRECTORY SUITE: lists the packages of another release of Debian in DIRECTORY, apart from the machine's own,
# and sets `apt_release` to the apt-get command for it. Fails where they cannot be had.
debian_release() {
  local dir=$1 suite=$2 mirror
  # The mirror this machine uses already, so that no host is named here. It may lag behind: what is signed counts, not when.
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 2>/dev/null | grep -v security | head -1)
  [ -n "$mirror" ] || return 1
  mkdir -p "$dir/lists/partial"
  printf '%s [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' deb "$mirror" "$suite" deb-src "$mirror" "$suite" \
    > "$dir/apt.list"
  apt_release=(apt-get -qq -o "Dir::Etc::sourcelist=$dir/apt.list" -o Dir::Etc::sourceparts=- -o "Dir::State::Lists=$dir/lists"
               -o APT::Sandbox::User=root -o Acquire::Check-Valid-Until=false)
  "${apt_release[@]}" update
}
