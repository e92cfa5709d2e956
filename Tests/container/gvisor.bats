#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # a test is a subshell of its own
# In gVisor's sandbox (runsc), as on Cloud Run. Its kernel is not Linux: /proc says less, there are no ambient
# capabilities and no file system ids, files carry no capabilities, and everybody may bind any port.

# shellcheck source-path=SCRIPTDIR source=container.bash
source "${BATS_TEST_DIRNAME}/container.bash"

PATH=$PATH:$python_tools/bin # runsc, where no package has it

setup_file() {
  local container
  export sandboxes=$engine_directory/test.gvisor
  mkdir -p "$sandboxes/root" "$sandboxes/state"
  container=$(podman create "$image")
  podman export "$container" | tar --extract --directory "$sandboxes/root"
  podman rm "$container" >/dev/null
}

teardown_file() {
  rm -rf "$sandboxes"
}

teardown() {
  # Bats shows this output if the test failed.
  cat --show-nonprinting "$directory/stdout" "$directory/stderr" 2>/dev/null || true
  runsc_in_test kill "$name" KILL 2>/dev/null || true
  [[ -z ${sandbox-} ]] || wait "$sandbox" || true
  runsc_in_test delete --force "$name" 2>/dev/null || true
  rm -rf "$directory"
}

# What is written to the root directory ends with the sandbox.
runsc_in_test() {
  runsc --root="$sandboxes/state" --platform=ptrace --network=none --ignore-cgroups \
    --overlay2=all:memory "$@"
}

# start_sandbox UID [NAME=VALUE...] -- ARGUMENT...: `entrypoint ARGUMENT...` in the background, with Docker's
# capabilities. Sets `name`, and `sandbox`, the number of its process.
start_sandbox() {
  local uid=$1 capabilities='["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
    "CAP_SETUID", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_MKNOD", "CAP_AUDIT_WRITE", "CAP_SETFCAP"]'
  local -a variables=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
  shift
  while [[ $1 != -- ]]; do
    variables+=("$1")
    shift
  done
  name=$(basename "$directory")
  mkdir -p "$directory/bundle"
  jq --null-input --arg root "$sandboxes/root" --argjson uid "$uid" --argjson set "$capabilities" \
    --argjson variables "$(words "${variables[@]}")" --argjson arguments "$(words /usr/local/bin/entrypoint "${@:2}")" '{
      ociVersion: "1.0.2", root: { path: $root }, hostname: "kong",
      process: { user: { uid: $uid, gid: 0 }, args: $arguments, env: $variables, cwd: "/", noNewPrivileges: false,
        capabilities: { bounding: $set, effective: $set, permitted: $set } },
      mounts: [{ destination: "/proc", type: "proc", source: "proc" }, { destination: "/tmp", type: "tmpfs", source: "tmpfs" }],
      linux: { namespaces: (["pid", "network", "ipc", "uts", "mount"] | map({ type: . })) } }' \
    >"$directory/bundle/config.json"
  # runsc gives the files behind its streams to nobody: never pass it those of the machine.
  : >"$directory/stdin"
  runsc_in_test run --bundle "$directory/bundle" "$name" \
    <"$directory/stdin" >"$directory/stdout" 2>"$directory/stderr" 3>&- &
  sandbox=$!
}

words() {
  printf '%s\n' "$@" | jq --raw-input --null-input --compact-output '[inputs]'
}

# finish_sandbox UID [NAME=VALUE...] -- ARGUMENT...: runs until the end. Sets `status`.
finish_sandbox() {
  start_sandbox "$@"
  wait "$sandbox" && status=0 || status=$?
  sandbox=''
}

# in_sandbox COMMAND...: as root in the running sandbox.
in_sandbox() {
  runsc_in_test exec "$name" "$@" <"$directory/stdin" 2>&1 | cat
}

serves_page() {
  [[ $(in_sandbox curl --silent --max-time 5 --noproxy '*' "http://127.0.0.1:$1/") == "kong stand-in (proxy) at "* ]]
}

# credentials_in_sandbox: of the first process, which is nginx by then, in the form of a plan's `result`,
# without what gVisor does not report about another process.
credentials_in_sandbox() {
  local status
  status=$(in_sandbox cat /proc/1/status)
  jq --null-input --compact-output --sort-keys --arg status "$status" \
    --arg permitted "$(capability_names "$status" CapPrm)" --arg effective "$(capability_names "$status" CapEff)" \
    --arg inheritable "$(capability_names "$status" CapInh)" --arg bounding "$(capability_names "$status" CapBnd)" '
      def numbers($field): $status | capture("(^|\n)\($field):(?<text>[^\n]*)").text | [scan("[0-9]+") | tonumber];
      def names: split(",") | map(select(. != ""));
      { uid: numbers("Uid") | unique, gid: numbers("Gid") | unique, groups: numbers("Groups"),
        permitted: ($permitted | names), effective: ($effective | names), inheritable: ($inheritable | names),
        bounding: ($bounding | names) }'
}

# capability_names STATUS FIELD
capability_names() {
  capsh --decode="$(sed -n "s/^$2:[[:blank:]]*//p" <<<"$1")" | sed 's/^[^=]*=//'
}

@test "gVisor: its /proc says less than Linux's, and its kernel has no ambient capabilities" {
  finish_sandbox 0 -- --dry-run --format json cat /proc/self/status
  [[ $status == 0 ]]
  [[ $(jq --compact-output '[.started_as.ambient, .started_as.no_new_privs]' "$directory/stdout") == '[[],true]' ]]
  finish_sandbox 0 -- cat /proc/self/status
  grep '^CapBnd:' "$directory/stdout"
  not grep -E '^(CapAmb|NoNewPrivs):' "$directory/stdout"
}

@test "gVisor: a command runs unchanged, as root, as kong, and as another user" {
  local uid
  for uid in 0 1337; do
    finish_sandbox "$uid" -- id -u
    [[ $status == 0 && $(<"$directory/stdout") == "$uid" ]]
  done
  # shellcheck disable=SC2016 # for the shell in the sandbox
  finish_sandbox 0 -- --user kong -- sh -c 'id -u && id -g && echo $HOME'
  [[ $status == 0 && $(<"$directory/stdout") == $'1337\n0\n/home/kong' ]]
}

@test "gVisor: an unavailable capability ends start and dry run with 77, and the message names gVisor" {
  local dry
  for dry in '' --dry-run; do
    finish_sandbox 0 -- ${dry:+"$dry"} --user kong --cap net_bind_service -- id -u
    [[ $status == 77 ]]
    grep -F 'this kernel has no ambient capabilities: it is gVisor' "$directory/stdout" "$directory/stderr"
  done
}

@test "gVisor: --check ends at once and finds nothing" {
  local uid
  for uid in 0 1337; do
    finish_sandbox "$uid" KONG_PROXY_LISTEN='0.0.0.0:80 reuseport, 127.0.0.1:8001' -- --check --format json kong docker-start
    [[ $status == 0 ]]
    jq --exit-status '(.checks | length > 0) and all(.checks[]; .verdict == "passed" or .verdict == "skipped")' "$directory/stdout"
  done
}

for_each_start() {
  local uid port
  for uid in 0 1337; do
    for port in 8000 80; do "$@" "$uid" "$port"; done
  done
}

starts_as_planned() {
  local uid=$1 port=$2 planned
  finish_sandbox "$uid" KONG_PROXY_LISTEN=0.0.0.0:"$port" -- --dry-run --format json kong docker-start
  [[ $status == 0 ]]
  planned=$(jq --compact-output --sort-keys '.result |
    { uid: [.uid], gid: [.gid], groups, permitted, effective, inheritable, bounding }' "$directory/stdout")
  start_sandbox "$uid" KONG_PROXY_LISTEN=0.0.0.0:"$port" -- kong docker-start
  eventually serves_page "$port"
  printf 'planned %s\nfound   %s\n' "$planned" "$(credentials_in_sandbox)"
  [[ $(credentials_in_sandbox) == "$planned" ]]
  runsc_in_test kill "$name" TERM
  wait "$sandbox" || true
  sandbox=''
}

@test "gVisor: Kong serves on 8000 and 80, started as root and as kong, with the predicted credentials" {
  for_each_start starts_as_planned
}
