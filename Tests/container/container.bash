# shellcheck shell=bash
# Loaded by every file of tests: starts containers, and reports what the kernel says about them. Processes are
# examined from outside the container, through /proc.

# shellcheck source-path=SCRIPTDIR source=engine.bash
source "$(dirname "${BASH_SOURCE[0]}")/engine.bash"
# shellcheck source-path=SCRIPTDIR source=../support/credentials.bash
source "$(dirname "${BASH_SOURCE[0]}")/../support/credentials.bash"

nginx=/usr/local/openresty/nginx/sbin/nginx
prefix=/usr/local/kong
patience=20 # seconds for what takes a fraction of one

setup() {
  # Beside the engine's storage, because /tmp may be mounted nosuid, which disables file capabilities.
  directory=$(mktemp -d "$engine_directory/test.XXXXXX")
  # conmon leaves a file `oom` in the directory where podman was started.
  cd "$directory" || return
  container=""
  options=()
}

# remove: removes the container, before the next one of the same test.
remove() {
  local alarm=0
  no_false_alarm || alarm=$?
  podman kill "$container" >/dev/null 2>&1 || true
  podman rm --force "$container" >/dev/null
  rm -f "$directory/container"
  container=""
  return "$alarm"
}

# no_false_alarm: fails if a check has warned in a container of these tests: each of them can be reached.
no_false_alarm() {
  not grep -E 'warn: .*(do not reach Kong on|shares its port|98: Address already in use)' \
    <(podman logs "$container" 2>&1)
}

teardown() {
  local result=0
  if [[ -n $container ]]; then
    # Bats shows this output if the test failed.
    printf -- '---- what the container said:\n'
    podman logs "$container" 2>&1 | cat --show-nonprinting
    remove || result=$?
  fi
  rm -rf "$directory"
  return "$result"
}

# ---- starting ----

# start OPTION... [-- ARGUMENT...]: starts in the background. Sets `container`, `options` and `master`, the
# number of its first process as seen from here.
start() {
  local -a before after
  split_words "$@"
  options=("${before[@]}")
  container=$(podman run --detach "${options[@]}" "$image" "${after[@]}")
  find_master
}

find_master() {
  master=$(podman inspect --format '{{.State.Pid}}' "$container")
}

# The pipes that engines give to a container's root differ: Docker's have mode 0600, conmon's 0777, but 0600
# in some versions, such as Debian 12's (containers/conmon#430). A script for the container's shell, with a
# mode and then entrypoint's arguments: it starts with streams of that mode.
# shellcheck disable=SC2016
with_streams='chmod "$0" /dev/stdout /dev/stderr && exec /usr/local/bin/entrypoint "$@"'

# start_with_streams MODE OPTION...: `kong docker-start` with such streams.
start_with_streams() {
  start --entrypoint /bin/sh "${@:2}" -- -c "$with_streams" "$1" kong docker-start
}

# finish OPTION... [-- ARGUMENT...]: runs until the end. Sets `status`; the output is in $directory/stdout and
# $directory/stderr, byte for byte.
# shellcheck disable=SC2034 # status is for the tests
finish() {
  start_and_attach "$@" >"$directory/stdout" 2>"$directory/stderr" </dev/null && status=0 || status=$?
  container=$(<"$directory/container")
}

start_and_attach() {
  local -a before after
  split_words "$@"
  podman run --timeout "$patience" --cidfile "$directory/container" "${before[@]}" "$image" "${after[@]}"
}

# split_words OPTION... [-- ARGUMENT...]: sets `before` and `after`, the words on both sides of "--".
split_words() {
  before=()
  while (($# > 0)) && [[ $1 != -- ]]; do
    before+=("$1")
    shift
  done
  (($# == 0)) || shift
  after=("$@")
}

# ended_with: waits for the end of the container, and prints its exit status.
ended_with() {
  podman wait --interval 20ms "$container"
}

# not COMMAND...: fails if the command succeeds, anywhere in a test; `!` does so only at the end of one.
not() {
  if "$@"; then
    printf 'must not succeed: %s\n' "$*"
    return 1
  fi
}

# eventually COMMAND...: repeats the command until it succeeds.
eventually() {
  local deadline=$((SECONDS + patience))
  until "$@"; do
    if ((SECONDS > deadline)); then
      printf 'did not happen in time: %s\n' "$*"
      return 1
    fi
    sleep 0.02
  done
}

# ---- looking ----

# page URL: fetched inside the container's network, with the certificate that `kong prepare` made.
page() {
  nsenter --target "$master" --net curl --silent --show-error --max-time "$patience" --noproxy '*' \
    --cacert "$(root_of_container)$prefix/ssl/kong-default.crt" "$1"
}

# served URL: whether the page comes; the end of the container ends the wait.
served() {
  [[ -e /proc/$master/status ]] || return 0
  page "$1" >/dev/null 2>&1
}

# serves URL [SETTING]: waits for nginx, and asserts that it is the stand-in's page.
serves() {
  eventually served "$1"
  [[ $(page "$1") == "kong stand-in (${2:-proxy}) at "* ]]
}

root_of_container() {
  printf '/proc/%s/root' "$master"
}

# The root directory of a container that has ended, or not begun.
root_of_ended() {
  podman mount "$container"
}

# worker: the number of nginx's first worker process.
worker() {
  local number
  read -r number _ < <(cat "/proc/$master/task/$master/children" && echo)
  printf '%s' "$number"
}

# logged TEXT: whether the container printed it.
logged() {
  podman logs "$container" 2>&1 | grep --fixed-strings --text -- "$1" >/dev/null
}

# says_error TEXT...: one error contains all these texts, and nothing was prepared.
says_error() {
  cat --show-nonprinting "$directory/stderr"
  grep -F -- 'entrypoint: error: ' "$directory/stderr"
  local text
  for text in "$@"; do
    grep -F -- "$text" "$directory/stderr"
  done
  [[ ! -e $(root_of_ended)$prefix/nginx.conf ]]
}

# statements: the container's messages, without the lines for why and way out.
statements() {
  podman logs "$container" 2>&1 | grep --text -E '^entrypoint: [a-z]+: [^ ]'
}

# owner FILE: its user and group as numbers; of a link, the link's own.
owner() {
  stat --format '%u:%g' "$1"
}

# processes: the numbers of all processes in the container.
processes() {
  local process
  for process in /proc/[0-9]*; do
    [[ ! $process/ns/pid -ef /proc/$master/ns/pid ]] || printf '%s\n' "${process#/proc/}"
  done
}

# variable FILE NAME: its value in an environment from /proc, byte for byte; fails if it is unset.
variable() {
  grep --null-data --text "^$2=" "$1" | tail --bytes "+$((${#2} + 2))" | head --bytes -1
  grep --null-data --text --quiet "^$2=" "$1"
}

# With master_process off nginx never writes a title over its arguments and environment, so that /proc keeps
# both. One worker, because this process would not read the sockets that Kong's `reuseport` makes for others.
# shellcheck disable=SC2034
untitled=(--env KONG_NGINX_MAIN_MASTER_PROCESS=off --env KONG_NGINX_MAIN_WORKER_PROCESSES=1)

# start_recorded OPTION... [-- ARGUMENT...]: `kong docker-start ARGUMENT...` with an untitled nginx, and with
# entrypoint's own environment in /tmp/given.
# shellcheck disable=SC2016 # for the shell in the container
start_recorded() {
  local -a before after
  split_words "$@"
  start "${untitled[@]}" --entrypoint /bin/sh "${before[@]}" -- \
    -c 'cat /proc/self/environ >/tmp/given && exec /usr/local/bin/entrypoint kong docker-start "$@"' sh "${after[@]}"
}

# changes_in_environment: variables that only nginx has (+), and that only entrypoint had (-).
changes_in_environment() {
  diff --unchanged-line-format= --old-line-format='-%L' --new-line-format='+%L' \
    <(tr '\0' '\n' <"$(root_of_container)/tmp/given" | sort) <(tr '\0' '\n' <"/proc/$master/environ" | sort) |
    LC_ALL=C sort || true
}

# argv FILE WORD...: whether these are the words of a command line from /proc.
argv() {
  tr '\0' ' ' <"$1"
  cmp "$1" <(printf '%s\0' "${@:2}")
}

# For a start that must end before `kong prepare`: otherwise it ends there, and soon.
# shellcheck disable=SC2034
no_further=(--env STAND_IN_PREPARE=exit:9)

# file_capabilities FILE: as getcap prints them, or nothing.
file_capabilities() {
  getcap "$1" | sed 's/^[^ ]* //'
}

# nginx_is_granted TEXT: the file capabilities of the running container's nginx; '' for none.
nginx_is_granted() {
  local found
  found=$(file_capabilities "$(root_of_container)$nginx")
  printf 'file capabilities of nginx: "%s"\n' "$found"
  [[ $found == "$1" ]]
}

# ---- credentials ----

# predicted: the plan's `result`, from a container like the started one, before any start.
predicted() {
  podman run --rm "${options[@]}" "$image" --dry-run --format json kong docker-start |
    jq --compact-output --sort-keys .result
}

# Master and worker have exactly what the dry run predicted.
has_predicted_credentials() {
  local expected
  expected=$(predicted)
  printf 'predicted %s\nmaster    %s\nworker    %s\n' \
    "$expected" "$(credentials "$master")" "$(credentials "$(worker)")"
  [[ $(credentials "$master") == "$expected" ]]
  [[ $(credentials "$(worker)") == "$expected" ]]
}

# runs_as_kong_with none|CAPABILITY...: uid, gid and groups of kong, and exactly these capabilities, from
# nginx's file.
runs_as_kong_with() {
  runs_as_kong '.inheritable == [] and .ambient == []' "$@"
}

# has_ambient CAPABILITY...: the same as ambient capabilities, and nginx's file carries none.
has_ambient() {
  # shellcheck disable=SC2016 # for jq
  runs_as_kong '.inheritable == $wanted and .ambient == $wanted' "$@"
  nginx_is_granted ''
}

# runs_as_kong CONDITION none|CAPABILITY...
runs_as_kong() {
  local process wanted
  wanted=$(printf '%s\n' "${@:2}" | jq --raw-input --slurp --compact-output '[scan("cap_\\w+")]')
  for process in "$master" "$(worker)"; do
    credentials "$process"
    credentials "$process" | jq --exit-status --argjson wanted "$wanted" '
      .uid == 1337 and .gid == 0 and .groups == [0] and .permitted == $wanted and .effective == $wanted and '"$1"
  done
}

# is_kongs STATUS HEX: the status file of /proc shows the ids and groups of kong, and exactly this set of
# capabilities in each of the five sets.
is_kongs() {
  cat "$1"
  [[ $(sed -n 's/^Uid:[[:blank:]]*//p' "$1" | tr '\t' ' ') == '1337 1337 1337 1337' ]]
  [[ $(sed -n 's/^Gid:[[:blank:]]*//p' "$1" | tr '\t' ' ') == '0 0 0 0' ]]
  [[ $(sed -n 's/^Groups:[[:blank:]]*//p' "$1" | tr -d ' ') == 0 ]]
  (($(grep -c -E "^Cap(Inh|Prm|Eff|Amb|Bnd):[[:blank:]]*0*$2\$" "$1") == 5))
}

# ---- what several files test ----

# serves_high_ports: on Kong's default ports, without a capability, and as predicted.
serves_high_ports() {
  start
  serves http://localhost:8000/
  serves https://localhost:8443/
  runs_as_kong_with none
  nginx_is_granted ''
  has_predicted_credentials
}

# passes_on_daemon: KONG_NGINX_DAEMON is off if unset or empty, and a value stays.
passes_on_daemon() {
  local given
  for given in '' on off; do
    finish "${no_further[@]}" --env KONG_NGINX_DAEMON=$given
    ((status == 9))
    [[ $(variable "$(root_of_ended)$prefix/stand-in.environ" KONG_NGINX_DAEMON) == "${given:-off}" ]]
    remove
  done
}
