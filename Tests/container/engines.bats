#!/usr/bin/env bats
# What each engine gives a user other than root before the exec, and whether a Kong that starts without root then
# has port 80. podman shows its own state only, so runc and crun are called here with what each engine writes into a
# bundle's `process.capabilities`. Each test writes rows of the table in docker/MODES.md; the last test compares them.

# shellcheck source-path=SCRIPTDIR source=container.bash disable=SC2016,SC2030,SC2031
source "${BATS_TEST_DIRNAME}/container.bash"

table=$engine_directory/engines.md
engines=('Docker since 24.0.6' containerd CRI-O podman 'Docker before 24.0.6')

setup_file() {
  : >"$table"
}

teardown() {
  # Bats shows this output if the test failed.
  cat --show-nonprinting "$directory"/*.log 2>/dev/null || true
  [[ -z ${bundle-} ]] || remove_bundle
  [[ -z $container ]] || remove
  rm -rf "$directory"
}

# ---- what the engines write ----

# by_default ENGINE: the capabilities of a container without options.
by_default() {
  case $1 in
    Docker* | containerd)
      printf 'CAP_%s\n' CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE \
        SYS_CHROOT KILL AUDIT_WRITE
      ;;
    CRI-O) printf 'CAP_%s\n' CHOWN DAC_OVERRIDE FSETID FOWNER SETGID SETUID SETPCAP NET_BIND_SERVICE KILL ;;
    podman)
      printf 'CAP_%s\n' CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT
      ;;
  esac
}

# sets ENGINE default|added|dropped: the sets of a user other than root. Added: --cap-drop ALL --cap-add
# NET_BIND_SERVICE. Sources: moby oci/caps and daemon/oci_linux.go, containerd pkg/cri/opts, CRI-O
# SpecSetupCapabilities, podman pkg/specgen/generate/security_linux.go.
sets() {
  local list=() names=(bounding)
  case $2 in
    default) mapfile -t list < <(by_default "$1") ;;
    added) list=(CAP_NET_BIND_SERVICE) ;;
  esac
  case "$1, $2" in
    'Docker before 24.0.6, '* | 'podman, default') ;;
    podman*) names+=(permitted effective inheritable ambient) ;;
    *) names+=(permitted effective) ;;
  esac
  jq --null-input --compact-output --arg names "${names[*]}" \
    '($names | split(" ") | map({ key: ., value: $ARGS.positional }) | from_entries)' --args "${list[@]}"
}

# predicted SETS NO_NEW_PRIVS none|entrypoint|nginx: by the rule of capabilities(7) for an exec of a user other than
# root, from the state before the exec. The last word is the file that carries the capability.
predicted() {
  jq --null-input --raw-output --argjson sets "$1" --argjson no_new_privs "$2" --arg file "$3" '
    def has(set): any($sets[set][]?; . == "CAP_NET_BIND_SERVICE");
    if $file == "none" then has("ambient")
    # Programs between the engine and nginx, such as entrypoint itself, hold nothing that is not ambient.
    elif $file == "nginx" then has("bounding") and ($no_new_privs | not)
    else has("bounding") and (($no_new_privs | not) or has("permitted"))
    end | if . then "works" else "exit 77" end'
}

# ---- bundles ----

# call RUNTIME ARGUMENT...: crun refuses a machine that has both versions of cgroups, even if it shall make none, so
# it sees version 2 alone.
call() {
  if [[ $1 == runc ]]; then
    exec runc --root "$directory/runc" "${@:2}"
  fi
  exec unshare --mount sh -c 'mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec "$@"' sh \
    crun --root "$directory/crun" --cgroup-manager disabled "${@:2}"
}

# start_bundle RUNTIME SETS NO_NEW_PRIVS: `kong docker-start` in `image`, as kong, on the host's network. Sets
# `bundle`, `runtime` and `running`, the number of the runtime's process.
start_bundle() {
  container=$(podman create "$image")
  bundle=$(basename "$directory")
  runtime=$1
  mkdir -p "$directory/bundle"
  jq --null-input --arg root "$(root_of_ended)" --argjson capabilities "$2" --argjson no_new_privs "$3" '{
    ociVersion: "1.0.2", root: { path: $root }, hostname: "kong",
    process: { user: { uid: 1337, gid: 0 }, args: ["/usr/local/bin/entrypoint", "kong", "docker-start"], cwd: "/",
      env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "KONG_PROXY_LISTEN=0.0.0.0:80"],
      capabilities: $capabilities, noNewPrivileges: $no_new_privs },
    mounts: [{ destination: "/proc", type: "proc", source: "proc" },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755"] },
      { destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["mode=1777"] }],
    linux: { namespaces: (["pid", "ipc", "uts", "mount"] | map({ type: . })) } }' >"$directory/bundle/config.json"
  : >"$directory/bundle.log"
  chmod 666 "$directory/bundle.log"
  call "$runtime" run --bundle "$directory/bundle" "$bundle" </dev/null >"$directory/bundle.log" 2>&1 3>&- &
  running=$!
}

remove_bundle() {
  (call "$runtime" kill "$bundle" KILL) 2>/dev/null || true
  wait "$running" || true
  (call "$runtime" delete --force "$bundle") 2>/dev/null || true
  bundle=""
  remove
}

has_begun() {
  master=$( (call "$runtime" state "$bundle") | jq --raw-output .pid)
  [[ $master -gt 0 ]]
}

# works: nginx serves port 80, with exactly cap_net_bind_service.
works() {
  eventually has_begun
  serves http://localhost:80/
  credentials "$master" | jq --exit-status '.uid == 1337 and .permitted == ["cap_net_bind_service"] and .effective == .permitted'
}

# ends_with_77: the start says that the listener would not get what it needs.
ends_with_77() {
  local status=0
  wait "$running" || status=$?
  ((status == 77))
  grep -F 'entrypoint: error: cap_net_bind_service is not granted, though KONG_PROXY_LISTEN 0.0.0.0:80 needs it' \
    "$directory/bundle.log"
}

# in_each_engine NAME default|added|dropped FILE: what happens is what is predicted, with both runtimes. Writes a row
# without no_new_privs, and one with it. FILE carries the capability: none, entrypoint or nginx.
in_each_engine() {
  local engine given expected no_new_privs row
  local -A seen=()
  for no_new_privs in false true; do
    row="| $1 |"
    [[ $no_new_privs == false ]] || row='| the same, `no-new-privileges` |'
    for engine in "${engines[@]}"; do
      given=$(sets "$engine" "$2")
      expected=$(predicted "$given" "$no_new_privs" "$3")
      for runtime in runc crun; do
        # Most engines write the same.
        [[ -z ${seen[$runtime $no_new_privs $given]-} ]] || continue
        printf -- '---- %s, %s, no_new_privs %s, %s: %s\n' "$engine" "$runtime" "$no_new_privs" "$given" "$expected"
        start_bundle "$runtime" "$given" "$no_new_privs"
        if [[ $expected == works ]]; then works; else ends_with_77; fi
        remove_bundle
        seen[$runtime $no_new_privs $given]=yes
      done
      row+=" $expected |"
    done
    printf '%s\n' "$row" >>"$table"
  done
}

# ---- the rows ----

@test "a row says which sets a user other than root holds until the exec" {
  local words engine row
  for words in default added; do
    row='| held until the exec, the default |'
    [[ $words == default ]] || row='| held until the exec, `--cap-add NET_BIND_SERVICE` |'
    for engine in "${engines[@]}"; do
      row+=" $(sets "$engine" "$words" | jq --raw-output 'del(.bounding) | keys_unsorted | join(", ") | if . == "" then "nothing" else . end') |"
    done
    printf '%s\n' "$row" >>"$table"
  done
}

@test "the default, without a file that carries the capability: no engine's exec keeps it" {
  image=$image_user_kong
  in_each_engine 'the default' default none
}

@test "the default, =p on entrypoint: under no_new_privs it counts if the engine leaves it permitted until the exec" {
  image=$image_own_file
  in_each_engine 'the default, `=p` on entrypoint' default entrypoint
}

@test "--cap-add without a file that carries the capability: only podman makes it ambient" {
  image=$image_user_kong
  in_each_engine '`--cap-drop ALL --cap-add NET_BIND_SERVICE`' added none
}

@test "--cap-add, =p on entrypoint: works in each engine of today, also under no_new_privs" {
  image=$image_own_file
  in_each_engine '`--cap-drop ALL --cap-add NET_BIND_SERVICE`, `=p` on entrypoint' added entrypoint
}

@test "--cap-drop ALL: nothing can bring the capability back" {
  image=$image_own_file
  in_each_engine '`--cap-drop ALL`, `=p` on entrypoint' dropped entrypoint
}

@test "setcap on nginx in the image: works until no_new_privs makes it void" {
  image=$image_setcap_nginx
  in_each_engine '`setcap` on nginx in the image' default nginx
}

@test "an engine that leaves nothing permitted is named, with its way out" {
  image=$image_own_file
  start_bundle runc "$(sets 'Docker before 24.0.6' added)" true
  ends_with_77
  grep -F "entrypoint's does, but under no_new_privs that counts only if the engine leaves the capability permitted" \
    "$directory/bundle.log"
  grep -F 'way out: Docker before 24.0.6: leave out no-new-privileges' "$directory/bundle.log"
}

@test "the rows of docker/MODES.md for engines are the results of these tests" {
  diff <(sed -n '/<!-- engines -->/,/<!-- end of engines -->/p' "$repository/docker/MODES.md" | sed -n '4,$p' | grep '^|') "$table"
  grep -F -x "| in a container with |$(printf ' %s |' "${engines[@]}")" "$repository/docker/MODES.md"
}
