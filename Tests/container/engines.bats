#!/usr/bin/env bats
# What each engine gives a user other than root before the exec, and whether a Kong that starts without root then
# has port 80. podman shows its own state only, so runc is called here with what the others write into a bundle's
# `process.capabilities`. Each test writes rows of the table in docker/MODES.md; the last test compares them.

# shellcheck source-path=SCRIPTDIR source=container.bash disable=SC2030,SC2031
source "${BATS_TEST_DIRNAME}/container.bash"

table=$engine_directory/engines.md

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

# start_bundle CAPABILITIES NO_NEW_PRIVS: `kong docker-start` of the image with the file capability, as kong, on the
# host's network. Sets `bundle`, `running`, the number of runc's process, and `master`.
start_bundle() {
  image=$image_own_file
  container=$(podman create "$image")
  bundle=$(basename "$directory")
  mkdir -p "$directory/bundle"
  jq --null-input --arg root "$(root_of_ended)" --argjson capabilities "$1" --argjson no_new_privs "$2" '{
    ociVersion: "1.0.2", root: { path: $root }, hostname: "kong",
    process: { user: { uid: 1337, gid: 0 }, args: ["/usr/local/bin/entrypoint", "kong", "docker-start"], cwd: "/",
      env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "KONG_PROXY_LISTEN=0.0.0.0:80"],
      capabilities: $capabilities, noNewPrivileges: $no_new_privs },
    mounts: [{ destination: "/proc", type: "proc", source: "proc" },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755"] },
      { destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["mode=1777"] }],
    linux: { namespaces: (["pid", "ipc", "uts", "mount"] | map({ type: . })) } }' >"$directory/bundle/config.json"
  : >"$directory/runc.log"
  chmod 666 "$directory/runc.log"
  runc --root "$directory/state" run --bundle "$directory/bundle" "$bundle" </dev/null >"$directory/runc.log" 2>&1 3>&- &
  running=$!
}

remove_bundle() {
  runc --root "$directory/state" kill "$bundle" KILL 2>/dev/null || true
  wait "$running" || true
  runc --root "$directory/state" delete --force "$bundle" 2>/dev/null || true
  bundle=""
  remove
}

has_begun() {
  master=$(runc --root "$directory/state" state "$bundle" | jq --raw-output .pid)
  [[ $master -gt 0 ]]
}

# serves_port_80 NAME SETS CAPABILITIES NO_NEW_PRIVS: nginx has exactly cap_net_bind_service. Writes a row.
serves_port_80() {
  start_bundle "$3" "$4"
  eventually has_begun
  serves http://localhost:80/
  credentials "$master" | jq --exit-status '.uid == 1337 and .permitted == ["cap_net_bind_service"]
    and .ambient == .permitted and .bounding == .permitted and .no_new_privs'
  row "$1" "$2" "$4" 'works'
  remove_bundle
}

# ends_with_77 NAME SETS CAPABILITIES NO_NEW_PRIVS: the engine has cleared what the file needs. Writes a row.
ends_with_77() {
  local status=0
  start_bundle "$3" "$4"
  wait "$running" || status=$?
  ((status == 77))
  grep -F "entrypoint's does, but under no_new_privs that counts only if the engine leaves the capability permitted" \
    "$directory/runc.log"
  grep -F 'way out: Docker before 24.0.6: leave out no-new-privileges' "$directory/runc.log"
  row "$1" "$2" "$4" 'exit 77'
  remove_bundle
}

row() {
  local with='without no_new_privs'
  [[ $3 == false ]] || with='with no_new_privs'
  printf '| %s | %s | %s | %s |\n' "$1" "$2" "$with" "$4" >>"$table"
}

set='["CAP_NET_BIND_SERVICE"]'

@test "Docker since 24.0.6, containerd and CRI-O: permitted until the exec, so the file's capability counts" {
  for no_new_privs in true false; do
    serves_port_80 'Docker since 24.0.6, containerd, CRI-O' 'permitted, effective' \
      "{\"bounding\": $set, \"permitted\": $set, \"effective\": $set}" "$no_new_privs"
  done
}

@test "Docker before 24.0.6: in the bounding set only, so the file's capability counts without no_new_privs" {
  ends_with_77 'Docker before 24.0.6' 'none' "{\"bounding\": $set}" true
  serves_port_80 'Docker before 24.0.6' 'none' "{\"bounding\": $set}" false
}

@test "podman: ambient, so the file's capability counts" {
  for no_new_privs in true false; do
    serves_port_80 'podman' 'permitted, effective, inheritable, ambient' "{\"bounding\": $set, \"permitted\": $set,
      \"effective\": $set, \"inheritable\": $set, \"ambient\": $set}" "$no_new_privs"
  done
}

@test "the rows of docker/MODES.md for engines are the results of these tests" {
  diff <(sed -n '/<!-- engines -->/,/<!-- end of engines -->/p' "$repository/docker/MODES.md" | grep -E '^\| (Docker|podman)') "$table"
}
