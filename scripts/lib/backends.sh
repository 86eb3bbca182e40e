# shellcheck shell=bash
# Starts real back ends in a folder of its own, and stops exactly those. Sourced after common.sh.
#
# The caller sets STATE (an absolute folder). Every start_… adds a line "name pid" to $STATE/pids.

ELASTICSEARCH_VERSION=9.4.3
: "${STATE:=}"

# The user who runs Elasticsearch where the caller is root, which Elasticsearch refuses: nobody.
NOBODY=65534

remember() { printf '%s %s\n' "$1" "$2" >>"$STATE/pids"; }

# launch NAME COMMAND...: in the background, away from the terminal's Ctrl-C, output to $STATE/NAME.log.
launch() {
  local name=$1
  shift
  # Of an earlier one that was killed: its number must not be taken for the new one's.
  rm -f "$STATE/$name.pid"
  # shellcheck disable=SC2016
  setsid --fork bash -c 'echo $$ >"$1"; shift; exec "$@"' launch "$STATE/$name.pid" "$@" \
    </dev/null >"$STATE/$name.log" 2>&1
  wait_until 5 test -s "$STATE/$name.pid" || die "$name did not start"
  remember "$name" "$(<"$STATE/$name.pid")"
}

# is_running PID: a zombie, which nobody has collected yet, does not run.
is_running() {
  local state
  state=$(awk '{ sub(/.*\) /, ""); print $1 }' "/proc/$1/stat" 2>/dev/null) || return 1
  [[ -n $state && $state != Z ]]
}

is_gone() { ! is_running "$1"; }

# stop_backends: everything in $STATE/pids, the last one first; by force after 20 seconds.
stop_backends() {
  local name pid
  [[ -f $STATE/pids ]] || return 0
  while read -r name pid; do
    is_running "$pid" || continue
    kill -TERM "$pid" 2>/dev/null || continue
    wait_until 20 is_gone "$pid" || {
      say "$name does not end; killing it"
      kill -KILL "$pid" 2>/dev/null || true
    }
  done < <(tac "$STATE/pids")
  rm -f "$STATE/pids"
}

show_log_and_die() {
  say "--- the end of $STATE/$1.log"
  tail -n 30 "$STATE/$1.log" >&2 || true
  die "$1 did not become ready"
}

# start_mariadb PORT: user palaver, password palaver, who may make databases. Exports MARIADB_URL.
start_mariadb() {
  # A temporary folder of its own: a starting mariadbd clears away every other's temporary tables in a shared one.
  local port=$1 data=$STATE/mariadb temporary=$STATE/mariadb-tmp run_as=()
  ((EUID != 0)) || run_as=(--user=root)
  mkdir -p "$temporary"
  if [[ ! -d $data/mysql ]]; then
    mkdir -p "$data"
    mariadb-install-db --no-defaults --datadir="$data" --auth-root-authentication-method=normal --skip-test-db \
      --tmpdir="$temporary" "${run_as[@]}" >"$STATE/mariadb-install.log" 2>&1 || die "mariadb-install-db failed: $STATE/mariadb-install.log"
  fi
  cat >"$STATE/mariadb-init.sql" <<'SQL'
CREATE USER IF NOT EXISTS 'palaver'@'%' IDENTIFIED BY 'palaver';
GRANT ALL ON *.* TO 'palaver'@'%';
CREATE DATABASE IF NOT EXISTS palaver;
SQL
  launch mariadb "$(mariadbd_path)" --no-defaults "${run_as[@]}" --datadir="$data" --tmpdir="$temporary" --port="$port" \
    --bind-address=127.0.0.1 --socket="$STATE/mariadb.sock" --pid-file="$STATE/mariadbd.pid" \
    --init-file="$STATE/mariadb-init.sql" --innodb-flush-log-at-trx-commit=1 --sync-binlog=1 \
    --innodb-buffer-pool-size=256M --innodb-log-file-size=256M --max-connections=500 \
    --character-set-server=utf8mb4 --skip-name-resolve
  wait_until 60 mariadb --no-defaults --protocol=tcp -h 127.0.0.1 -P "$port" -u palaver -ppalaver -e 'SELECT 1' palaver \
    || show_log_and_die mariadb
  export MARIADB_URL=mysql://palaver:palaver@127.0.0.1:$port/
}

# Debian keeps it in /usr/sbin, which is not on everybody's path.
mariadbd_path() { PATH=$PATH:/usr/sbin command -v mariadbd || die "mariadbd is missing: scripts/install-packages stack"; }

# start_redis PORT: without persistence, since nothing in it must outlive a restart. Exports REDIS_URL.
start_redis() {
  local port=$1
  mkdir -p "$STATE/redis"
  launch redis redis-server --port "$port" --bind 127.0.0.1 --dir "$STATE/redis" --save '' --appendonly no
  wait_until 20 redis-cli -p "$port" ping || show_log_and_die redis
  export REDIS_URL=redis://127.0.0.1:$port/0
}

# find_elasticsearch: prints the folder of an Elasticsearch, unpacking or downloading it if need be; fails if there is
# none to be had. Looked for in $ELASTICSEARCH_HOME, ../shared/elasticsearch, and at the official download.
find_elasticsearch() {
  if [[ -n ${ELASTICSEARCH_HOME:-} ]]; then
    [[ -x $ELASTICSEARCH_HOME/bin/elasticsearch ]] || die "ELASTICSEARCH_HOME has no bin/elasticsearch"
    printf '%s\n' "$ELASTICSEARCH_HOME"
    return
  fi
  # Under /tmp rather than a home: nobody, who runs it for root, must be able to read it.
  local cache=${TMPDIR:-/tmp}/palaver-elasticsearch-$EUID name=elasticsearch-$ELASTICSEARCH_VERSION
  mkdir -p "$cache"
  [[ -O $cache ]] || die "$cache belongs to somebody else"
  chmod 755 "$cache"
  [[ -x $cache/$name/bin/elasticsearch ]] || unpack_elasticsearch "$cache" "$name" || return 1
  printf '%s\n' "$cache/$name"
}

# unpack_elasticsearch CACHE NAME: into a folder of its own first, so that two at once do not disturb each other.
unpack_elasticsearch() {
  local cache=$1 name=$2 fresh platform shared archive
  platform=linux-$(uname -m)
  shared=${PALAVER_SHARED:-$ROOT/../shared}/elasticsearch/$name-$platform.tar.zst
  fresh=$(mktemp -d "$cache/unpack.XXXXXX")
  chmod 755 "$fresh"
  if [[ -r $shared ]]; then
    say "Unpacking Elasticsearch $ELASTICSEARCH_VERSION"
    zstd -qdc --long=27 "$shared" | tar -x -C "$fresh"
  else
    archive=$fresh/$name-$platform.tar.gz
    download_elasticsearch "$archive" || {
      rm -rf "$fresh"
      return 1
    }
    tar -xz -C "$fresh" -f "$archive"
  fi
  mv -T "$fresh/$name" "$cache/$name" 2>/dev/null || [[ -x $cache/$name/bin/elasticsearch ]]
  rm -rf "$fresh"
}

download_elasticsearch() {
  local archive=$1 url
  url=https://artifacts.elastic.co/downloads/elasticsearch/${archive##*/}
  say "Downloading $url"
  curl -fsSL --retry 3 --connect-timeout 10 -o "$archive" "$url" || return 1
  curl -fsSL --retry 3 --connect-timeout 10 -o "$archive.sha512" "$url.sha512" || return 1
  (cd "$(dirname "$archive")" && sha512sum --quiet -c "${archive##*/}.sha512") || die "wrong checksum: $url"
}

# start_elasticsearch PORT HEAP: one node without security. Sets ELASTICSEARCH_BASE. Fails if there is no Elasticsearch.
start_elasticsearch() {
  local port=$1 heap=$2 home folder as_user=()
  if [[ -n ${ELASTICSEARCH_URL:-} ]]; then
    ELASTICSEARCH_BASE=${ELASTICSEARCH_URL%/}
    return
  fi
  home=$(find_elasticsearch) || return 1
  folder=$STATE/elasticsearch
  mkdir -p "$folder"/{config,data,logs,tmp}
  cp -r "$home/config/." "$folder/config/"
  cat >"$folder/config/elasticsearch.yml" <<YAML
discovery.type: single-node
xpack.security.enabled: false
http.host: 127.0.0.1
http.port: $port
transport.host: 127.0.0.1
transport.port: $(free_port)
path.data: $folder/data
path.logs: $folder/logs
cluster.routing.allocation.disk.threshold_enabled: false
YAML
  if ((EUID == 0)); then
    chown -R "$NOBODY:$NOBODY" "$folder"
    as_user=(setpriv "--reuid=$NOBODY" "--regid=$NOBODY" --clear-groups)
  fi
  launch elasticsearch "${as_user[@]}" env HOME="$folder" ES_JAVA_HOME= ES_JAVA_OPTS="-Xms$heap -Xmx$heap" \
    ES_TMPDIR="$folder/tmp" ES_PATH_CONF="$folder/config" "$home/bin/elasticsearch"
  ELASTICSEARCH_BASE=http://127.0.0.1:$port
  wait_until 180 curl -fsS "$ELASTICSEARCH_BASE/_cluster/health" || show_log_and_die elasticsearch
}
