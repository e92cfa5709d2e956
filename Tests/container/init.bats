#!/usr/bin/env bats
# `--init`: entrypoint stays the container's first process, without privileges, and nginx is its child.

# shellcheck source-path=SCRIPTDIR source=container.bash disable=SC2030,SC2031
source "${BATS_TEST_DIRNAME}/container.bash"

# start_supervised OPTION... [-- ARGUMENT...]: as `start`. Sets `nginx_master`, too.
start_supervised() {
  start --env ENTRYPOINT_INIT=on "$@"
  serves http://localhost:8000/
  nginx_master=$(worker)
}

# memory KIND: of the first process, in kB.
memory() {
  awk -v kind="$1:" '$1 == kind { print $2 }' "/proc/$master/smaps_rollup"
}

# gone NUMBER: whether no such process is there.
gone() {
  [[ ! -e /proc/$1/status ]]
}

@test "the first process is kong's, without any capability, and nginx has what the plan says" {
  local expected
  for image in "$image" "$image_user_kong"; do
    start_supervised --env KONG_PROXY_LISTEN=0.0.0.0:8000
    expected=$(podman run --rm "${options[@]}" "$image" --dry-run --format json kong docker-start)
    printf '%s\n%s\n%s\n' "$(credentials "$master")" "$(credentials "$nginx_master")" "$expected"
    [[ $(credentials "$master") == "$(jq --compact-output --sort-keys .supervisor.credentials <<<"$expected")" ]]
    [[ $(credentials "$nginx_master") == "$(jq --compact-output --sort-keys .result <<<"$expected")" ]]
    jq --exit-status '.permitted + .effective + .inheritable + .ambient == [] and .no_new_privs' \
      <<<"$(credentials "$master")"
    # In kB.
    (($(memory Rss) <= 2500 && $(memory Private_Dirty) <= 400))
    [[ $(readlink "/proc/$master/cwd") == / ]]
    [[ $(ls "/proc/$master/fd") == $'0\n1\n2' ]]
    remove
  done
}

@test "podman stop ends nginx in order, whatever the signal, and the status is nginx's" {
  local signal
  for signal in TERM QUIT INT; do
    start_supervised --stop-signal "$signal"
    podman stop --time "$patience" "$container"
    [[ $(ended_with) == 0 ]]
    gone "$nginx_master"
    remove
  done
}

@test "with a stop delay, Kong serves on until it gets QUIT" {
  start_supervised --env ENTRYPOINT_STOP_DELAY=2s
  kill -s TERM "$master"
  eventually logged 'TERM: the command runs on for 2s, then it gets QUIT'
  serves http://localhost:8000/
  [[ $(ended_with) == 0 ]]
}

@test "a second stop signal ends the delay" {
  start_supervised --env ENTRYPOINT_STOP_DELAY=1h
  kill -s TERM "$master"
  eventually logged 'then it gets QUIT'
  kill -s TERM "$master"
  [[ $(ended_with) == 0 ]]
}

@test "kong quit in the container, as a preStop hook runs it, ends with 0, and so does the container" {
  local status=0
  start_supervised
  podman exec "$container" kong quit || status=$?
  ((status == 0))
  [[ $(ended_with) == 0 ]]
}

@test "a killed nginx leaves no worker, no pid file and no socket, and the status says so" {
  local first_worker
  mkdir -m 775 "$directory/prefix"
  chown 1337:0 "$directory/prefix"
  start_supervised --volume "$directory/prefix:$prefix"
  first_worker=$(cut -d ' ' -f 1 "/proc/$nginx_master/task/$nginx_master/children")
  [[ -e $directory/prefix/pids/nginx.pid ]]
  kill -s KILL "$nginx_master"
  [[ $(ended_with) == 137 ]]
  gone "$first_worker"
  [[ ! -e $directory/prefix/pids/nginx.pid ]]
  [[ -z $(find "$directory/prefix" -type s) ]]
}

@test "kong reload reaches nginx through its pid file, and HUP through the first process" {
  start_supervised
  local before
  before=$(cat "/proc/$nginx_master/task/$nginx_master/children")
  kill -s HUP "$master"
  eventually has_other_workers "$nginx_master" "$before"
  before=$(cat "/proc/$nginx_master/task/$nginx_master/children")
  podman exec "$container" entrypoint kong reload
  eventually has_other_workers "$nginx_master" "$before"
}

# has_other_workers MASTER BEFORE: whether none of those before is left, and there is one.
has_other_workers() {
  local number
  for number in $2; do gone "$number" || return 1; done
  [[ -n $(cat "/proc/$1/task/$1/children") ]]
}

@test "kong's scripts can write to /proc/1/fd/1, as docker logs shows it" {
  start_supervised --env KONG_PROXY_LISTEN=0.0.0.0:8000
  podman exec --user kong "$container" sh -c 'echo written by a script >/proc/1/fd/1'
  eventually logged 'written by a script'
}

@test "a command that is killed for want of memory is said to be" {
  # shellcheck disable=SC2016 # for the shell in the container
  finish --env ENTRYPOINT_INIT=on --memory 32m --memory-swap 32m -- \
    sh -c 'text=x; while :; do text=$text$text; done'
  cat "$directory/stderr"
  ((status == 137))
  grep -F 'entrypoint: error: the kernel killed the command because memory ran out' "$directory/stderr"
}

@test "an interactive shell has job control and its Ctrl-C, and the container its status" {
  # The function of engine.bash, for the shell that python starts.
  export -f podman
  export engine_directory
  python3 - "$image" <<'PYTHON'
import os, pty, select, sys, time

def shows(text):
    seen, deadline = b"", time.monotonic() + 20
    while text not in seen:
        if not select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
            sys.exit(f"not shown: {text!r}, but {seen[-500:]!r}")
        seen += os.read(terminal, 4096)

child, terminal = pty.fork()
if child == 0:
    os.execvp("bash", ["bash", "-c", 'podman run --rm -it "$0" --init -- bash --norc -i', sys.argv[1]])
os.write(terminal, b"echo $((1 + 1))-monitor-$(set -o | grep -c 'monitor.*on')\n")
shows(b"2-monitor-1")
# It has the terminal when it says so. A Ctrl-C before that would be the shell's.
os.write(terminal, b"sh -c 'echo $((2 + 2))-begins; exec sleep 1000'\n")
shows(b"4-begins")
os.write(terminal, b"\x03")
os.write(terminal, b"echo $((3 + 3))-after\n")
shows(b"6-after")
os.write(terminal, b"exit 3\n")
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
sys.exit(0 if status == 3 else f"status {status}")
PYTHON
}
