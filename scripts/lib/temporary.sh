# shellcheck shell=bash
# A temporary folder for back ends, which are stopped and forgotten when the script ends. Sourced after backends.sh.
#
# PALAVER_TEST_KEEP=1 keeps the folder with the logs.

# temporary_state NAME: sets STATE, and what happens at the end of the script.
temporary_state() {
  STATE=$(mktemp -d "${TMPDIR:-/tmp}/$1.XXXXXX")
  chmod 755 "$STATE"
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

# Servers of tests that were cut off: the tests note each one's pid, and take the note away when it has ended.
stop_left_servers() {
  local note pid
  for note in "$STATE"/servers/*.pid; do
    [[ -f $note ]] || continue
    pid=$(<"$note")
    [[ $(readlink "/proc/$pid/exe") != */palaver ]] || kill -KILL "$pid" 2>/dev/null || true
  done
}

clean_up() {
  local status=$?
  trap - EXIT INT TERM
  stop_left_servers
  stop_backends
  if [[ -n ${PALAVER_TEST_KEEP:-} ]]; then say "Logs: $STATE"; else rm -rf "$STATE"; fi
  exit "$status"
}
