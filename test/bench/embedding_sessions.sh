#!/usr/bin/env bash
# Embedding through SQL: latency of the first call and of warm ones, images a second by sessions, and memory (proportional
# set size, from smaps_rollup) of the embedder, its decoders and the backends with 1 and with 16 sessions at work.
#
#   test/bench/embedding_sessions.sh [model file in the bundled directory's place]
#
# Needs medvec installed (make install) and ../shared/data/xray. Works in a cluster of its own.
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"
[ -n "$data" ] || die "no test data"

make_work bench
trap 'stop_cluster "$work"; as_root rm -rf "$work"' EXIT
make_cluster "$work" 54324 <<< "medvec.model_directory = '$work/models'"
as_owner mkdir "$work/images" "$work/models"
as_owner tar -x -C "$work/images" < "$data/xray/nih_chest_256.tar"
as_owner cp "$data"/models/*.pt "$work/models/" 2> /dev/null || as_root cp "$data"/models/*.pt "$work/models/"
sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }
sql << SQL
CREATE EXTENSION medvec;
CREATE TABLE picture AS
SELECT row_number() OVER () AS id, pg_read_binary_file('$work/images/' || file) AS image FROM pg_ls_dir('$work/images') AS file;
SQL

now() { date +%s%N; }
milliseconds() { echo $(( ($2 - $1) / 1000000 )); }

start=$(now)
sql -c "SELECT vector_dims(embed_image(image)) FROM picture WHERE id = 1" > /dev/null
echo "first call, new session, embedder not running: $(milliseconds "$start" "$(now)") ms"
start=$(now)
sql -c "SELECT vector_dims(embed_image(image)) FROM picture WHERE id = 2" > /dev/null
echo "second call, new session: $(milliseconds "$start" "$(now)") ms"
echo "warm call, one session: $(sql << 'SQL'
SELECT embed_image(image) IS NULL FROM picture WHERE id = 3 \g /dev/null
DO $$ DECLARE started timestamptz; t float8[]; BEGIN
  FOR i IN 4..203 LOOP
    started := clock_timestamp();
    PERFORM embed_image(image) FROM picture WHERE id = i;
    t := t || extract(epoch FROM clock_timestamp() - started)::float8 * 1000;
  END LOOP;
  CREATE TEMP TABLE timing AS SELECT unnest(t) AS ms;
END $$;
SELECT format('median %s ms, 99th percentile %s ms', round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric, 2),
              round(percentile_cont(0.99) WITHIN GROUP (ORDER BY ms)::numeric, 2)) FROM timing;
SQL
)"

sql -c "SELECT dimensions FROM medvec.register_model('mobilenet', 'mobilenet_v2_imagenet_1280.pt', '{}')" > /dev/null

# megabytes PATTERN: proportional memory of all processes whose command line matches.
megabytes() {
  local sum=0 pid kb
  for pid in $(pgrep -f "$1"); do
    kb=$(as_root awk '/^Pss:/ { print $2 }' "/proc/$pid/smaps_rollup" 2> /dev/null || echo 0)
    sum=$((sum + ${kb:-0}))
  done
  echo $((sum / 1024))
}

for model in medvec-xray-v1 mobilenet; do
  for sessions in 1 16; do
    start=$(now)
    for session in $(seq "$sessions"); do
      # Each session embeds its share of 800 images, one call an image.
      sql -c "SELECT count(embed_image(image, '$model')) FROM picture WHERE id <= 800 AND id % $sessions = $session - 1" > /dev/null &
    done
    sleep 1
    memory="embedder $(megabytes "medvec-embedder --socket") MB, decoders $(megabytes 'medvec-decoder --control') MB, backends $(megabytes "postgres: postgres postgres .local. SELECT") MB"
    wait
    echo "$model, $sessions sessions: $((800 * 1000 / $(milliseconds "$start" "$(now)"))) images/s; $memory"
  done
done
