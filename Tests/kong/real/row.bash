# shellcheck shell=bash
# shellcheck disable=SC2154 # what run and the containers' file set
# Sourced: one row, which is one container: what happens to it, and what is checked.

# ---- a row ----

# try_row MODE FLAG...: uses `row_user` and `port`. `also` is one more check of the first start; `special`
# replaces everything that a usual row does.
try_row() {
  local mode=$1 first=- second=- reload=- verdict="" dry_status=0 predicted
  [[ "$mode, $row_user, $port" =~ $only ]] || return 0
  flags_for "$row_user" "$port" "${@:2}"
  : >"$work/wrong"
  predicted=$(once --dry-run --format json kong docker-start 2>"$work/stderr") || dry_status=$?
  create
  if ((dry_status != 0)); then
    is_refused
  else
    predicted=$(jq --compact-output --sort-keys .result <<<"$predicted")
    "${special:-goes_on}"
  fi
  if is_running; then
    kill -s KILL "$master"
    ended
  fi
  if [[ -s $work/wrong ]]; then
    verdict="WRONG: $(paste --serial --delimiters=';' "$work/wrong" | sed 's/;/; /g')"
    explain >&2
  fi
  remove
  print_row "$name" "$mode" "$row_user" "$port" "$first" "$second" "$reload" "${verdict:-ok}"
}

wrong() {
  printf '%s\n' "$*" >>"$work/wrong"
}

# explain: prints the last messages of the container.
explain() {
  printf -- '---- %s, %s, %s, %s: %s\n' "$name" "$mode" "$row_user" "$port" "$verdict"
  logs | tail -n 8 | cat --show-nonprinting
}

is_refused() {
  begin
  first=$outcome
  if [[ $first != "exit $dry_status" ]]; then
    wrong "the dry run ends with $dry_status"
  elif must_serve; then
    wrong "refused beforehand, exit $dry_status, though there is a way"
  else
    verdict="refused beforehand, exit $dry_status"
  fi
}

# Whether this row has a way to its port. Only a start as kong without a capability to pass on has none.
must_serve() {
  ((port < 1024)) || return 0
  case $row_user,$mode in
    root,* | *,'printed flags') ;;
    'kong, =p,no-new-privileges') ((gives_while_no_new_privs)) ;;
    'kong, =p,'*) ;;
    *) return 1 ;;
  esac
}

goes_on() {
  begins first || return 0
  "${also:-true}" || wrong "$also: no"
  check kong health
  check --user kong -- kong health
  # The image's HEALTHCHECK.
  check --health
  check --check kong docker-start
  stops || return 0
  begins second || return 0
  reloads
  check kong health
  stops || true
}

stops_in_prepare() {
  start
  within "$patience" has_child || wrong 'it starts no child process'
  kill -s TERM "$master"
  if within "$prompt" has_ended; then
    ended
    first="exit $status"
    ((status == 143)) || wrong "TERM during prepare ends with $status"
    begins second || true
  else
    first=hangs
    wrong "TERM during prepare does not end the start"
  fi
}

# It leaves sockets, and a pid file whose number belongs to a process again.
survives_a_crash() {
  local seen_red=0 said
  begins first || return 0
  kill -s KILL "$master"
  ended
  start
  while is_running && ! answers; do
    if ! said=$(inside kong health 2>&1); then
      seen_red=1
    elif ! answers; then
      wrong "kong health succeeds before nginx listens"
      break
    fi
  done
  waits_for second || true
  # nginx may listen before the first check; then the start's own message shows it.
  ((seen_red)) || logs | grep --quiet "removed $prefix/pids/nginx.pid" || wrong "kong health never failed"
}

has_secret() {
  grep --quiet --fixed-strings s3cret-of-a-file "/proc/$master/root$prefix/.kong_env" &&
    ! logs | grep --quiet --fixed-strings s3cret-of-a-file
}

hook_ran() {
  logs | grep --quiet --fixed-strings -- "$version"
}

# ---- starting and stopping ----

# begins first|second: checks that it then serves, and runs as predicted.
begins() {
  start
  waits_for "$1"
}

waits_for() {
  wait_for_nginx
  printf -v "$1" '%s' "$outcome"
  if [[ $outcome != serves ]]; then
    wrong "the dry run ends with 0, the $1 start: $outcome"
    return 1
  fi
  has_predicted_credentials || wrong "after the $1 start, nginx has other credentials than predicted"
}

begin() {
  start
  wait_for_nginx
}

# wait_for_nginx: waits until it serves or has ended. Sets `outcome`.
wait_for_nginx() {
  outcome=serves
  within "$patience" has_ended_or_answers || outcome=hangs
  if has_ended; then
    ended
    outcome="exit $status"
  fi
}

# The master and a worker, if the dry run can know them.
has_predicted_credentials() {
  local process found
  [[ -z ${unknown-} ]] || return 0
  for process in "$master" "$(workers | head -n 1)"; do
    found=$(credentials "$process") || return 1
    if [[ $found != "$predicted" ]]; then
      printf 'predicted %s\nfound     %s\n' "$predicted" "$found" >&2
      return 1
    fi
  done
}

# check WORD...: entrypoint with these arguments succeeds in the running container.
check() {
  local failed_with=0 said
  said=$(inside "$@" 2>&1) || failed_with=$?
  if ((failed_with != 0)); then
    wrong "$*: exit $failed_with"
    printf '%s: %s\n' "$*" "$said" >&2
  fi
}

reloads() {
  local before failed_with=0 said
  before=$(workers)
  said=$(inside kong reload 2>&1) || failed_with=$?
  if ((failed_with != 0)); then
    reload="exit $failed_with"
    wrong "kong reload: $reload"
    printf 'kong reload: %s\n' "$said" >&2
  elif within "$patience" has_other_workers "$before" && answers; then
    reload=ok
  else
    reload='no effect'
    wrong "kong reload has no effect"
  fi
}

# stops: nginx ends gracefully after a QUIT.
stops() {
  kill -s QUIT "$master"
  if ! within "$patience" has_ended; then
    wrong "QUIT does not end nginx"
    return 1
  fi
  ended
  ((status == 0)) || wrong "QUIT ends nginx with $status"
}

# ---- looking ----

# within SECONDS COMMAND...: repeats the command until it succeeds.
within() {
  local deadline=$((SECONDS + $1))
  until "${@:2}"; do
    ((SECONDS <= deadline)) || return 1
    sleep 0.05
  done
}

is_running() {
  [[ -e /proc/$master/ns/net ]]
}

has_ended() {
  ! is_running
}

has_ended_or_answers() {
  has_ended || answers
}

# answers: whether there is HTTP on the port.
answers() {
  # shellcheck disable=SC2016 # for the shell in the container's network
  timeout 5 nsenter --target "$master" --net bash -c '
    exec 3<>"/dev/tcp/$0/$1" && printf "GET / HTTP/1.0\r\n\r\n" >&3 && read -r line <&3 && [[ $line == HTTP/1.* ]]' \
    "${address:-127.0.0.1}" "$port" 2>/dev/null
}

# workers: prints the children of nginx, one a line.
workers() {
  tr ' ' '\n' <"/proc/$master/task/$master/children" | grep .
}

has_child() {
  [[ -n $(workers 2>/dev/null) ]]
}

# has_other_workers BEFORE: whether there are workers, and none of those.
has_other_workers() {
  has_child && ! workers | grep --quiet --line-regexp --fixed-strings "$1"
}
