#!/usr/bin/env bats
# Every mode of a container that starts as root: see modes.bash.

# shellcheck source-path=SCRIPTDIR source=modes.bash disable=SC2016,SC2030,SC2031,SC2154
source "${BATS_TEST_DIRNAME}/modes.bash"

@test "root in a default container: a file capability, and everything else dropped" {
  grants root 'the default' file
  credentials "$master" | jq --exit-status '.permitted == ["cap_net_bind_service"]
    and .effective == .permitted and .bounding == .permitted and .no_new_privs and .uid != 0'
  eventually logged 'GET / HTTP/1.1" 200'
}

@test "root without any capability cannot change the user: 77, and the missing flags" {
  finish "${listen[@]}" --cap-drop ALL
  cat "$directory/stderr"
  ((status == 77))
  grep -F 'entrypoint: error:   why: uid 0 lacks cap_setuid' "$directory/stderr"
  grep -F 'way out: docker run --cap-add CHOWN --cap-add SETUID' "$directory/stderr"
  row root '`--cap-drop ALL`' none none "$(sed -n 's/^entrypoint: error:   why: //p' "$directory/stderr"); exit 77" '-'
}

@test "root with the flags of --format docker: an ambient capability" {
  local -a flags
  read -ra flags < <(podman run --rm "${listen[@]}" "$image" --dry-run --format docker kong docker-start)
  grants root 'the flags of `--format docker`' ambient "${flags[@]}"
}

@test "root without cap_setfcap: an ambient capability; without cap_setpcap: the bounding set stays" {
  grants root '`--cap-drop SETFCAP`' ambient --cap-drop SETFCAP
  remove
  grants root '`--cap-drop SETPCAP`' file --cap-drop SETPCAP
}

@test "root under no_new_privs: an ambient capability, because a file's would not work for kong reload" {
  grants root '`no-new-privileges`' ambient --security-opt no-new-privileges
}

@test "root on a read-only root file system: an ambient capability" {
  grants root '`--read-only`' ambient "${read_only[@]}"
}

@test "root on a read-only root file system with a request for a file capability: 77, with the reason" {
  finish "${listen[@]}" "${read_only[@]}" --env ENTRYPOINT_CAP_MODE=file
  cat "$directory/stderr"
  ((status == 77))
  grep -F "why: $nginx cannot be given file capabilities: its file system is mounted read-only" "$directory/stderr"
  grep -F 'way out: leave out ENTRYPOINT_CAP_MODE=file' "$directory/stderr"
}

@test "root where OpenResty belongs to kong, as in Kong's own images: an ambient capability" {
  image=$image_kong_owned
  grants root "Kong's own images" ambient
}

@test "root where the image gave nginx the capability: removed for kong prepare, and written again" {
  image=$image_setcap_nginx
  grants root '`setcap` on nginx in the image' file
  remove
  grants root '`setcap` on nginx in the image, `--read-only`' file "${read_only[@]}"
}

@test "root in a user namespace: a file capability of that namespace" {
  grants root 'a user namespace' file "${user_namespace[@]}"
}

@test "root on the network of the host, in which ports below 1024 are privileged" {
  grants root "the host's network" file --network host
}

@test "root in a user namespace on the network of the host: capabilities have no effect there" {
  explains root "a user namespace, the host's network" \
    "the network namespace belongs to another user namespace, the host's" \
    "${user_namespace[@]}" --network host
}

@test "root on port 8000, in every situation: no capability, the first time, again and after a reload" {
  works_on_8000
  works_on_8000 --cap-drop ALL --cap-add CHOWN --cap-add SETGID --cap-add SETUID --cap-add SETPCAP \
    --security-opt no-new-privileges
  works_on_8000 --security-opt no-new-privileges
  works_on_8000 "${read_only[@]}"
  works_on_8000 --network host
  image=$image_kong_owned
  works_on_8000
  image=$image_setcap_nginx
  works_on_8000
}

# ---- the table ----

@test "the rows of docker/MODES.md for starts as root are the results of these tests" {
  are_documented root
}

@test "the dry run prints each line of the README's dry run, in this order" {
  local documented
  documented=$(sed -n '/^\$ entrypoint --dry-run kong docker-start$/,/^```$/p' "$repository/README.md" | sed '1d;$d' |
    grep --line-regexp --fixed-strings --invert-match ...)
  podman run --rm --env KONG_PROXY_LISTEN='0.0.0.0:80, 0.0.0.0:443 ssl' "$image" --dry-run kong docker-start \
    >"$directory/printed"
  # The documented lines are a part of the output if none of them must be removed or changed.
  diff <(printf '%s\n' "$documented") "$directory/printed" >"$directory/difference" || true
  (($(printf '%s\n' "$documented" | wc -l) > 8))
  (($(grep --count '^<' "$directory/difference") == 0))
}
