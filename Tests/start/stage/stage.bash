# shellcheck shell=bash
# Sourced: a start as root, as in a container, in namespaces of its own. nginx and the `kong` command are the
# kernel lab's probe, which prints the credentials that it starts with.

# shellcheck source-path=SCRIPTDIR source=../../support/root.bash
source "$(dirname "${BASH_SOURCE[0]}")/../../support/root.bash"
# shellcheck source-path=SCRIPTDIR source=../../../scripts/need.bash
source "$repository/scripts/need.bash"

readonly binary=${ENTRYPOINT_BINARY:-$repository/.build/entrypoint}
readonly nginx=/usr/local/openresty/nginx/sbin/nginx
readonly prefix=/usr/local/kong

fail() {
  printf '%s: error: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# need_for_stage PROGRAM...: fails unless all programs are here and this is root.
need_for_stage() {
  ((EUID == 0)) || fail "this needs root: it makes namespaces and drops privileges in them"
  need all cc unshare pivot_root ip python3 "$@"
  [[ -x $binary ]] || fail "$binary is not there: run scripts/build first"
}

# compile SOURCE PROGRAM: builds a static program, for roots without libraries.
compile() {
  cc -static -O2 -Wall -Wextra -Werror -o "$2" "$1"
}

# ---- inside the namespaces ----

# lay_out_stage: lays out the parts of a Kong image that a start looks at. The programs `probe` and
# `entrypoint` are in $work; from here on everybody can reach it.
lay_out_stage() {
  make_private_root "$work"
  work=$private/work
  mount -t tmpfs -o mode=755 tmpfs /usr/local
  mkdir -p /usr/local/bin "${nginx%/*}" /usr/local/stage
  install -m 755 "$work/entrypoint" /usr/local/bin/entrypoint
  cp "$work/probe" /usr/local/bin/kong
  cp "$work/probe" /usr/local/stage/probe
  (umask 077 && printf 's3cret\n' >/usr/local/stage/secret)
  add_kong_user /home/kong
  printf 'certificates:x:4242:kong\n' >>/etc/group
  lay_out_prefix /usr/local/stage/prefix
}

# lay_out_prefix: makes what an earlier start may have left, and what `kong prepare` would make, as the probe
# does not: there is work for each step in the prefix.
lay_out_prefix() {
  mkdir -p "$1/logs" "$1/pids" "$1/sockets"
  printf '1\n' >"$1/pids/nginx.pid"
  printf 'http { server { listen 80; } }\n' >"$1/nginx.conf"
  python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$1/sockets/stale"
  : >"$1/logs/access.log"
  ln -s nowhere "$1/logs/error.log"
  ln -s /dev/stderr "$1/logs/.error.log.entrypoint"
}

# The scenes. Port 80 needs a capability, and nginx gets it from its file (`file`) or from the ambient set. Or
# it needs none, as in Docker's own networks, and nginx's file carries none or one too many. `hooks` is `file`
# with a hook and a secret, `init` is `file` with a supervisor.
# shellcheck disable=SC2034 # for those who source this
readonly scenes=(file ambient free-port carried hooks init)

# reset_stage SCENE: resets everything to the state before the first start: nginx's file as in the scene, the
# prefix owned by root, the outputs empty and owned by root.
reset_stage() {
  rm -rf "$nginx" "$prefix" /usr/local/stage/out /usr/local/stage/err
  cp /usr/local/stage/probe "$nginx"
  if [[ $1 == carried ]]; then
    setcap cap_net_raw=ep "$nginx"
  fi
  cp -a /usr/local/stage/prefix "$prefix"
  rm -rf "$hooks"
  if [[ $1 == hooks ]]; then put_hook; fi
  : >/usr/local/stage/out
  : >/usr/local/stage/err
}

# put_hook: makes one hook, the probe.
put_hook() {
  mkdir -m 755 "$hooks"
  cp /usr/local/stage/probe "$hooks/10-hook"
}

# on_stage SCENE COMMAND...: runs it with a container's environment and the stage's outputs.
on_stage() {
  local scene=$1 mode=auto first_free=1024
  local -a more=()
  shift
  case $scene in
    ambient) mode=ambient ;;
    free-port | carried) first_free=0 ;;
    hooks) more=(KONG_PG_PASSWORD_FILE=/usr/local/stage/secret) ;;
    init) more=(ENTRYPOINT_INIT=on) ;;
  esac
  printf '%s\n' "$first_free" >/proc/sys/net/ipv4/ip_unprivileged_port_start
  env -i PATH=/usr/local/bin:/usr/bin:/bin KONG_PROXY_LISTEN=0.0.0.0:80 ENTRYPOINT_CAP_MODE="$mode" \
    "${more[@]}" "$@" </dev/null >/usr/local/stage/out 2>/usr/local/stage/err
}

readonly start=(/usr/local/bin/entrypoint kong docker-start)

# plan SCENE: prints the plan as JSON.
plan() {
  if ! on_stage "$1" "${start[0]}" --dry-run --format json "${start[@]:1}"; then
    cat /usr/local/stage/err >&2
    fail "the dry run failed"
  fi
  cat /usr/local/stage/out
}

# ---- what a plan says, in the probe's words ----

# Prints every capability's number, as a JSON object.
capability_numbers() {
  local number
  for ((number = 0; number < 64; number++)); do
    printf '%s %s\n' "$number" "$(capsh --decode="$(printf '%x' $((1 << number)))" | sed 's/.*=//')"
  done | jq -nR '[inputs | split(" ") | {(.[1]): (.[0] | tonumber)}] | add'
}

# planned_nginx PLAN: the line that nginx must print, without `dumpable`, which is not in a plan.
planned_nginx() {
  planned_line nginx '.result | {uid, gid, groups, permitted, effective, inheritable, ambient, bounding,
    no_new_privs, secure_execution}' <<<"$1"
}

# planned_kong PLAN: the line that `kong prepare` must print.
planned_kong() {
  planned_line kong '.prepare_result' <<<"$1"
}

# planned_hook PLAN: the line that the hook must print: the same user, and no capability.
planned_hook() {
  planned_line 10-hook '.user | {uid, gid, groups, permitted: [], effective: [], inheritable: [],
    ambient: [], bounding: [], no_new_privs: true, secure_execution: false}' <<<"$1"
}

# planned_line NAME FILTER
planned_line() {
  local name=$1 filter=$2 field value line
  line=$name
  while read -r field value; do
    case $field in
      permitted | effective | inheritable | ambient | bounding) value=$(printf '%016x' "$value") ;;
    esac
    line+=" $field=$value"
  done < <(jq -r --argjson numbers "$(capability_numbers)" "$filter"' |
    def set: map(pow(2; $numbers[.])) | add // 0;
    def flag: if . then 1 else 0 end;
    "uid \(.uid)/\(.uid)/\(.uid)", "gid \(.gid)/\(.gid)/\(.gid)", "groups \(.groups | join(","))",
    "permitted \(.permitted | set)", "effective \(.effective | set)",
    "inheritable \(.inheritable | set)", "ambient \(.ambient | set)", "bounding \(.bounding | set)",
    "no_new_privs \(.no_new_privs | flag)", "securebits 00",
    "secure_execution \(.secure_execution | flag)"')
  printf '%s\n' "$line"
}

# printed NAME: the lines that the program of that name printed, without `dumpable`.
printed() {
  sed -n "/^$1 /s/ dumpable=.*//p" /usr/local/stage/out
}
