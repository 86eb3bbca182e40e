# shellcheck shell=bash
# What every script here needs: the project's folder, messages, and free ports. Sourced, never run.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export ROOT

say() { printf '%s\n' "$*" >&2; }

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# need COMMAND WHAT-TO-DO: ends the script if the command is not there.
need() { command -v "$1" >/dev/null 2>&1 || die "'$1' is needed. $2"; }

need_swift() { need swift "Install the Swift 6.3 toolchain from https://www.swift.org/install/linux/."; }

# is_listening PORT: whether something answers on 127.0.0.1.
is_listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port: prints a port on which nothing listens, below the range from which the kernel takes ports for clients.
free_port() {
  local port attempt
  for ((attempt = 0; attempt < 200; attempt++)); do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    if ! is_listening "$port"; then
      printf '%s\n' "$port"
      return
    fi
  done
  die "no free port between 20000 and 32000"
}

# wait_until SECONDS COMMAND...: runs the command until it succeeds; fails when the time is over.
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
}
