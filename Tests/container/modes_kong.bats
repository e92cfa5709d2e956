#!/usr/bin/env bats
# Every mode of a container that starts as the user kong: see modes.bash.

# shellcheck source-path=SCRIPTDIR source=modes.bash disable=SC2016,SC2030,SC2031,SC2034,SC2154
source "${BATS_TEST_DIRNAME}/modes.bash"

@test "kong in a default container: the exec loses the capability" {
  image=$image_user_kong
  explains kong 'the default' 'cap_net_bind_service is only in the bounding set'
  diff <(sed -n '/<!-- said -->/,/<!-- end of said -->/p' "$repository/README.md" | grep '^entrypoint: ') \
    <(grep '^entrypoint: error: ' "$directory/stderr")
}

@test "kong with --cap-add in podman, which makes it ambient: nothing is left to do" {
  image=$image_user_kong
  grants kong '`--cap-add` (podman)' none --cap-add NET_BIND_SERVICE
}

@test "kong where the image gave nginx the capability: from its file, unless no_new_privs disables it" {
  image=$image_setcap_nginx
  grants kong '`setcap` on nginx in the image' file --user kong
  remove
  grants kong '`setcap` on nginx in the image, `--read-only`' file --user kong "${read_only[@]}"
  remove
  explains kong '`setcap` on nginx in the image, `no-new-privileges`' \
    "$nginx carries it as a file capability, which clears ambient capabilities at exec" \
    --user kong --security-opt no-new-privileges
}

@test "kong with =p on entrypoint: the capability is raised to ambient for nginx" {
  image=$image_own_file
  grants kong 'the default, `=p` on entrypoint' ambient
}

@test "kong without any capability: even =p on entrypoint cannot bring it back" {
  image=$image_own_file
  explains kong '`--cap-drop ALL`, `=p` on entrypoint' \
    'cap_net_bind_service is not in the bounding set' --cap-drop ALL
}

@test "kong with only that capability, and =p on entrypoint: ambient" {
  image=$image_own_file
  grants kong '`--cap-drop ALL --cap-add NET_BIND_SERVICE`, `=p` on entrypoint' ambient \
    --cap-drop ALL --cap-add NET_BIND_SERVICE
}

@test "kong under no_new_privs: podman leaves nothing permitted that a file could give" {
  image=$image_own_file
  explains kong '`no-new-privileges`, `=p` on entrypoint (podman)' \
    'cap_net_bind_service is only in the bounding set' --security-opt no-new-privileges
  grep -F 'way out: docker run --cap-add NET_BIND_SERVICE; Kubernetes: capabilities.add: ["NET_BIND_SERVICE"]' \
    "$directory/stderr"
}

@test "kong with the flags of --format docker, which are the same on each engine: ambient, without root" {
  local -a flags
  image=$image_own_file
  read -ra flags < <(podman run --rm "${listen[@]}" "$image" --dry-run --format docker kong docker-start)
  [[ ${flags[*]} == '--user 1337 --cap-drop ALL --cap-add NET_BIND_SERVICE --security-opt no-new-privileges' ]]
  grants kong 'the flags of `--format docker`, `=p` on entrypoint' ambient "${flags[@]}"
  remove
  grants kong "the same, the host's network" ambient "${flags[@]}" --network host
}

# Docker and containerd leave this permitted until the exec, and podman does not (runc keeps it for them).
as_docker_does=(/sbin/capsh '--drop=cap_setuid,cap_setgid,cap_setpcap' --keep=1 --gid=0 --groups=0 --uid=1337
  --caps=cap_net_bind_service=p --no-new-privs --shell=/usr/local/bin/entrypoint --)

@test "kong under no_new_privs where the engine leaves the capability permitted: ambient, without root" {
  local before
  local -a container_of_docker=("${listen[@]}" --user 0 --cap-drop ALL --cap-add SETUID --cap-add SETGID --cap-add SETPCAP
    --cap-add NET_BIND_SERVICE)
  image=$image_own_file
  start "${container_of_docker[@]}" --entrypoint /bin/sh -- -c 'chmod 666 /dev/stdout /dev/stderr && exec "$@"' sh \
    "${as_docker_does[@]}" kong docker-start
  serves http://localhost:80/
  podman run --rm "${container_of_docker[@]}" --entrypoint /bin/sh "$image" -c 'exec "$@"' sh \
    "${as_docker_does[@]}" --dry-run --format json kong docker-start >"$directory/plan"
  diff <(jq --compact-output --sort-keys .result "$directory/plan") <(credentials "$master")
  credentials "$master" | jq --exit-status '.uid == 1337 and .ambient == ["cap_net_bind_service"] and .no_new_privs'
  before=$(worker)
  podman exec "$container" "${as_docker_does[@]}" kong reload
  eventually has_other_worker "$before"
  serves http://localhost:80/
  row kong '`no-new-privileges`, `=p` on entrypoint (Docker, containerd)' "$(jq --raw-output .grant.mode "$directory/plan")" \
    "$(jq --raw-output .prepare_grant.mode "$directory/plan")" "$(credentials "$master" | in_words)" works
}

@test "kong on a read-only root file system, with =p on entrypoint: ambient" {
  image=$image_own_file
  grants kong '`--read-only`, `=p` on entrypoint' ambient "${read_only[@]}"
}

@test "kong where it owns OpenResty, with =p on entrypoint: ambient" {
  image=$image_own_file_kong_owned
  grants kong "Kong's own images, \`=p\` on entrypoint" ambient
}

@test "kong in a user namespace, with =p on entrypoint: ambient" {
  image=$image_own_file
  grants kong 'a user namespace, `=p` on entrypoint' ambient "${user_namespace[@]}"
}

@test "kong on the network of the host, with =p on entrypoint: ambient" {
  image=$image_own_file
  grants kong "the host's network, \`=p\` on entrypoint" ambient --network host
}

restricted=(--cap-drop ALL --security-opt no-new-privileges "${read_only[@]}")

@test "kong under Pod Security restricted: the sysctl is named as the way out" {
  image=$image_own_file
  explains kong 'Pod Security restricted' 'cap_net_bind_service is not in the bounding set' "${restricted[@]}"
  grep -F 'net.ipv4.ip_unprivileged_port_start=80' "$directory/stderr"
}

@test "kong under Pod Security restricted with that sysctl: nothing is needed" {
  image=$image_own_file
  grants kong 'Pod Security restricted, and the sysctl' none "${restricted[@]}" \
    --sysctl net.ipv4.ip_unprivileged_port_start=80
}

@test "kong on port 8000, in every situation, with =p on entrypoint and without" {
  for image in "$image_user_kong" "$image_own_file"; do
    works_on_8000
    works_on_8000 --cap-drop ALL
    works_on_8000 --security-opt no-new-privileges
    works_on_8000 "${read_only[@]}"
    works_on_8000 --network host
  done
  image=$image_own_file_kong_owned
  works_on_8000
}

@test "an entrypoint with =p that somebody starts by hand gives no program a capability" {
  image=$image_own_file
  for command in '--cap net_raw -- cat' '--user kong -- cat' '-- cat' '--proxy /bin/cat -- kong docker-start'; do
    # shellcheck disable=SC2086 # several words
    finish "${listen[@]}" -- $command /proc/self/status
    cat "$directory/stdout" "$directory/stderr"
    not grep -E '^Cap(Prm|Eff|Inh|Amb):.*[1-9a-f]' "$directory/stdout"
    remove
  done
}

# ---- the table ----

@test "the rows of docker/MODES.md for starts as kong are the results of these tests" {
  are_documented kong
}
