#!/usr/bin/env bats
# `kong prepare`: who runs it, what it gets, how it fails, and what signals do meanwhile.

# shellcheck source-path=SCRIPTDIR source=container.bash
source "${BATS_TEST_DIRNAME}/container.bash"

# start_waiting BEHAVIOUR OPTION...: until the stand-in is ready for a signal.
start_waiting() {
  start --env STAND_IN_PREPARE="$1" "${@:2}"
  eventually test -s "$(root_of_container)$prefix/stand-in.waiting"
}

milliseconds() {
  printf '%s' "$((${EPOCHREALTIME//[!0-9]/} / 1000))"
}

# signal NAME: to the container's first process. Sets `took`, the milliseconds until it was gone.
signal() {
  local began
  began=$(milliseconds)
  kill -s "$1" "$master"
  eventually test ! -e "/proc/$master"
  took=$(($(milliseconds) - began))
  printf 'SIG%s: gone after %s ms\n' "$1" "$took"
}

# No file capability, and no log line or file of nginx.
nginx_was_not_started() {
  local root
  root=$(root_of_ended)
  [[ -z $(file_capabilities "$root$nginx") ]]
  [[ ! -e $root$prefix/pids/nginx.pid ]]
  not logged 'start worker process'
}

# prepared_with CAPABILITIES: the stand-in, and the shell that started its last nginx, ran as kong with
# exactly these, according to /proc.
prepared_with() {
  local file
  for file in stand-in.status stand-in.nginx.status; do
    is_kongs "$(root_of_container)$prefix/$file" "$1"
  done
}

@test "kong prepare runs as kong, with only cap_net_bind_service for a low port" {
  start --env KONG_PROXY_LISTEN=0.0.0.0:80
  serves http://localhost:80/
  prepared_with 400
}

@test "processes that kong prepare leaves running are killed before nginx runs, with a warning" {
  start --env KONG_PROXY_LISTEN=0.0.0.0:80 --env STAND_IN_PREPARE=daemon
  serves http://localhost:80/
  logged "entrypoint: warn: processes that kong prepare -p $prefix left running were killed: sleep"
  not grep --text --line-regexp sleep <(for process in $(processes); do cat "/proc/$process/comm"; done)
}

@test "kong prepare runs as kong, without any capability if no listener needs one" {
  start --cap-add NET_RAW --env SET_CAP_NET_RAW=1
  serves http://localhost:8000/
  prepared_with 0
}

@test "kong prepare gets the prefix and the arguments of docker-start" {
  : >"$directory/kong.conf"
  start --volume "$directory/kong.conf:/etc/kong/my kong.conf:ro" -- \
    kong docker-start --vv -c '/etc/kong/my kong.conf'
  serves http://localhost:8000/
  printf '%s\0' prepare -p "$prefix" --vv -c '/etc/kong/my kong.conf' >"$directory/expected"
  cmp "$directory/expected" "$(root_of_container)$prefix/stand-in.argv"
}

@test "kong prepare and nginx use KONG_PREFIX" {
  start --tmpfs /srv/kong:mode=777 --env KONG_PREFIX=/srv/kong
  serves http://localhost:8000/
  [[ $(tr '\0' ' ' <"/proc/$master/cmdline") == *' -p /srv/kong -c nginx.conf '* ]]
  has_predicted_credentials
}

@test "a failed kong prepare ends the start with its own status, and nginx does not start" {
  for wanted in 1 3 127; do
    finish --env STAND_IN_PREPARE=exit:$wanted --env KONG_PROXY_LISTEN=0.0.0.0:80
    cat "$directory/stderr"
    ((status == wanted))
    nginx_was_not_started
    remove
  done
}

@test "a prefix on a read-only root ends start and dry run with 77 before anything changes" {
  local dry
  for dry in '' --dry-run; do
    # shellcheck disable=SC2086 # no argument where it is empty
    finish --read-only -- $dry kong docker-start
    cat "$directory/stderr" "$directory/stdout"
    ((status == 77))
    cat "$directory/stderr" "$directory/stdout" |
      grep -i "error: kong (1337:0) cannot write $prefix, but kong prepare has to"
    remove
  done
}

@test "a read-only /tmp ends start and dry run with 77 and the ways out" {
  local dry
  for dry in '' --dry-run; do
    # shellcheck disable=SC2086 # no argument where it is empty
    finish --read-only --read-only-tmpfs=false --tmpfs "$prefix:mode=1777" -- $dry kong docker-start
    cat "$directory/stderr" "$directory/stdout"
    ((status == 77))
    cat "$directory/stderr" "$directory/stdout" | grep -F 'way out: docker run --tmpfs /tmp'
    remove
  done
}

@test "TERM, INT, QUIT and HUP during kong prepare end the start at once with 128 + signal" {
  for name in TERM INT QUIT HUP; do
    start_waiting hang --env KONG_PROXY_LISTEN=0.0.0.0:80
    signal "$name"
    ((took < 1000))
    (($(ended_with) == 128 + $(kill -l "$name")))
    nginx_was_not_started
    remove
  done
}

@test "kong prepare gets the signal that was sent, and even if it ends with 0, nginx does not start" {
  for name in TERM INT QUIT HUP; do
    start_waiting forward-report
    signal "$name"
    ((took < 1000))
    (($(ended_with) == 128 + $(kill -l "$name")))
    [[ $(<"$(root_of_ended)$prefix/stand-in.signal") == "$name" ]]
    nginx_was_not_started
    remove
  done
}

@test "a kong prepare that ignores the signal is killed after two seconds" {
  start_waiting ignore
  signal TERM
  ((took >= 1900 && took < 3000))
  (($(ended_with) == 128 + 15))
  nginx_was_not_started
}

@test "signals end the start also if it is not the container's first process" {
  start_waiting hang --pid host
  [[ $(status_of "$master" NSpid | wc -w) == "$(status_of $$ NSpid | wc -w)" ]]
  signal TERM
  ((took < 1000))
  (($(ended_with) == 128 + 15))
}

@test "podman stop during kong prepare needs no kill" {
  start_waiting hang
  podman stop --time "$patience" "$container"
  (($(ended_with) == 128 + $(kill -l QUIT)))
}
