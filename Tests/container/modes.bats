#!/usr/bin/env bats
# How nginx gets cap_net_bind_service, or why it cannot, in each situation that an engine can make: at the
# first start, at the second, and for `kong reload`, which ends with `nginx -t` as `kong prepare` does. Each
# test of port 80 writes a row of the README's table; a test near the end compares.

# shellcheck source-path=SCRIPTDIR source=container.bash disable=SC2016,SC2030,SC2031,SC2154
source "${BATS_TEST_DIRNAME}/container.bash"

table=$engine_directory/modes.md
listen=(--env KONG_PROXY_LISTEN=0.0.0.0:80)
# What Kong needs to be writable when the root file system is not.
read_only=(--read-only --tmpfs "$prefix:rw,mode=1777" --tmpfs /tmp)

setup_file() {
  printf '%s\n' '| started as | in a container with | way | `kong prepare` | nginx has, or what is said | `kong reload` |' \
    '|---|---|---|---|---|---|' >"$engine_directory/modes.md"
}

# row START SITUATION WAY PREPARE OUTCOME RELOAD
row() {
  printf '| %s | %s | %s | %s | %s | %s |\n' "$@" >>"$table"
}

# grants START SITUATION WAY OPTION...: nginx serves port 80 with exactly what the plan says, again after
# a stop and a start, and after `kong reload`; its credentials are the row.
grants() {
  local start=$1 situation=$2 way=$3 has
  shift 3
  start "${listen[@]}" "$@"
  plan >"$directory/plan"
  serves http://localhost:80/
  has_predicted_credentials
  [[ $(jq --raw-output .grant.mode "$directory/plan") == "$way" ]]
  has=$(credentials "$master" | in_words)
  is_healthy
  reload 80
  starts_again 80
  row "$start" "$situation" "$way" "$(jq --raw-output .prepare_grant.mode "$directory/plan")" "$has" \
    "$(reload_in_words)"
}

# starts_again PORT: after a stop in order, with all that the first start has left.
starts_again() {
  podman stop --time "$patience" "$container" >/dev/null
  podman start "$container" >/dev/null
  find_master
  serves "http://localhost:$1/"
  has_predicted_credentials
  is_healthy
}

# As the image's HEALTHCHECK asks.
is_healthy() {
  podman exec "$container" /usr/local/bin/entrypoint --user kong -- kong health
}

# reload PORT: by `docker exec`, as the container's own user. Leaves its exit status and what it said.
reload() {
  local before status=0
  before=$(worker)
  podman exec "$container" /usr/local/bin/entrypoint kong reload >"$directory/reload" 2>&1 || status=$?
  printf '%s\n' "$status" >"$directory/reload.status"
  cat "$directory/reload"
  ((status == 0 || status == 77))
  ((status != 0)) || eventually has_other_worker "$before"
  serves "http://localhost:$1/"
}

has_other_worker() {
  [[ ! -e /proc/$1 && -n $(worker) ]]
}

reload_in_words() {
  if [[ $(<"$directory/reload.status") == 0 ]]; then
    printf 'works'
  else
    printf 'only as root'
    grep -F 'way out: run it as root: docker exec --user 0 CONTAINER entrypoint kong reload' "$directory/reload" >/dev/null
  fi
}

# explains START SITUATION WHY OPTION...: the start ends beforehand with 77, as its dry run does, and says
# why and each way out.
explains() {
  local start=$1 situation=$2 why=$3 dry=0
  shift 3
  finish "${listen[@]}" "$@"
  podman run --rm "${listen[@]}" "$@" "$image" --dry-run kong docker-start >"$directory/dry" 2>&1 || dry=$?
  # A terminal has one stream, and its own ends of lines.
  cat "$directory/stdout" "$directory/stderr" | tr --delete '\r' | tee "$directory/said"
  mv "$directory/said" "$directory/stderr"
  grep -F 'entrypoint: error: cap_net_bind_service is not granted, though KONG_PROXY_LISTEN 0.0.0.0:80 needs it' \
    "$directory/stderr"
  grep -F "entrypoint: error:   why: $why" "$directory/stderr"
  grep -F 'entrypoint: error:   way out: ' "$directory/stderr"
  ((status == 77 && dry == 77))
  row "$start" "$situation" none none "$(sed -n 's/^entrypoint: error:   why: //p' "$directory/stderr"); exit 77" '-'
}

plan() {
  podman run --rm "${options[@]}" "$image" --dry-run --format json kong docker-start
}

# The credentials on stdin, in a few words.
in_words() {
  jq --raw-output '
    def set: if . == [] then "none" elif length > 2 then "\(length), uncut" else map("`\(.)`") | join(", ") end;
    "uid \(.uid); permitted = effective: \(.permitted | set); ambient: \(.ambient | set); bounding: \(.bounding | set); no_new_privs \(if .no_new_privs then 1 else 0 end)"'
}

# A user namespace, with a terminal: podman's pipes are made by a user from outside, whom nobody in the
# namespace can take them from.
user_namespace=(--uidmap 0:200000:65536 --gidmap 0:200000:65536 --tty)

# ---- as root ----

@test "root in a default container: a file capability, and everything else given up" {
  grants root 'the default' file
  credentials "$master" | jq --exit-status '.permitted == ["cap_net_bind_service"]
    and .effective == .permitted and .bounding == .permitted and .no_new_privs and .uid != 0'
  eventually logged 'GET / HTTP/1.1" 200'
}

@test "root without any capability cannot change the user: 77, and the flags that are missing" {
  finish "${listen[@]}" --cap-drop ALL
  cat "$directory/stderr"
  ((status == 77))
  grep -F 'entrypoint: error:   why: uid 0 lacks cap_setuid' "$directory/stderr"
  grep -F 'way out: docker run --cap-add CHOWN --cap-add SETUID' "$directory/stderr"
  row root '`--cap-drop ALL`' none none "$(sed -n 's/^entrypoint: error:   why: //p' "$directory/stderr"); exit 77" '-'
}

@test "root with the flags that --format docker prints: an ambient capability" {
  local -a flags
  read -ra flags < <(podman run --rm "${listen[@]}" "$image" --dry-run --format docker kong docker-start)
  grants root 'the flags of `--format docker`' ambient "${flags[@]}"
}

@test "root without cap_setfcap: an ambient capability; without cap_setpcap: the bounding set stays" {
  grants root '`--cap-drop SETFCAP`' ambient --cap-drop SETFCAP
  remove
  grants root '`--cap-drop SETPCAP`' file --cap-drop SETPCAP
}

@test "root under no_new_privs: an ambient capability, or kong reload would find a file's void" {
  grants root '`no-new-privileges`' ambient --security-opt no-new-privileges
}

@test "root on a read-only root file system: an ambient capability" {
  grants root '`--read-only`' ambient "${read_only[@]}"
}

@test "root on a read-only root file system, asked for a file capability: 77, with the reason" {
  finish "${listen[@]}" "${read_only[@]}" --env ENTRYPOINT_CAP_MODE=file
  cat "$directory/stderr"
  ((status == 77))
  grep -F "why: $nginx cannot be given file capabilities: its file system is mounted read-only" "$directory/stderr"
  grep -F 'way out: leave out ENTRYPOINT_CAP_MODE=file' "$directory/stderr"
}

@test "root where the user kong owns OpenResty, as in Kong's own images: an ambient capability" {
  image=$image_kong_owned
  grants root "Kong's own images" ambient
}

@test "root where the image gave nginx the capability: taken off for kong prepare, and written again" {
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

@test "root in a user namespace on the network of the host: capabilities do not count there" {
  explains root "a user namespace, the host's network" \
    "the network namespace belongs to another user namespace, the host's" \
    "${user_namespace[@]}" --network host
}

# ---- not as root ----

@test "kong in a default container: the capability is lost at the exec" {
  image=$image_user_kong
  explains kong 'the default' 'cap_net_bind_service is in the bounding set only'
  diff <(sed -n '/<!-- said -->/,/<!-- end of said -->/p' "$repository/README.md" | grep '^entrypoint: ') \
    <(grep '^entrypoint: error: ' "$directory/stderr")
}

@test "kong with --cap-add in podman, which makes it ambient: nothing is left to do" {
  image=$image_user_kong
  grants kong '`--cap-add` (podman)' none --cap-add NET_BIND_SERVICE
}

@test "kong where the image gave nginx the capability: from its file, unless no_new_privs makes that void" {
  image=$image_setcap_nginx
  grants kong '`setcap` on nginx in the image' file --user kong
  remove
  grants kong '`setcap` on nginx in the image, `--read-only`' file --user kong "${read_only[@]}"
  remove
  explains kong '`setcap` on nginx in the image, `no-new-privileges`' \
    "$nginx carries it as a file capability, which clears ambient ones at exec" \
    --user kong --security-opt no-new-privileges
}

@test "kong, and entrypoint's own file has the capability: it is raised ambient for nginx" {
  image=$image_own_file
  grants kong 'the default, `=p` on entrypoint' ambient
}

@test "kong without any capability: even =p on entrypoint cannot bring it back" {
  image=$image_own_file
  explains kong '`--cap-drop ALL`, `=p` on entrypoint' \
    'cap_net_bind_service is not in the bounding set' --cap-drop ALL
}

@test "kong with no capability but that one, and =p on entrypoint: ambient" {
  image=$image_own_file
  grants kong '`--cap-drop ALL --cap-add NET_BIND_SERVICE`, `=p` on entrypoint' ambient \
    --cap-drop ALL --cap-add NET_BIND_SERVICE
}

@test "kong under no_new_privs: podman leaves nothing permitted that a file could give" {
  image=$image_own_file
  explains kong '`no-new-privileges`, `=p` on entrypoint (podman)' \
    'cap_net_bind_service is in the bounding set only' --security-opt no-new-privileges
}

# What Docker and containerd leave permitted until the exec, and podman does not (runc keeps it for them).
as_docker_does=(/sbin/capsh '--drop=cap_setuid,cap_setgid,cap_setpcap' --keep=1 --gid=0 --groups=0 --uid=1337
  --caps=cap_net_bind_service=p --no-new-privs --shell=/usr/local/bin/entrypoint --)

@test "kong under no_new_privs where the engine leaves the capability permitted: ambient, and no root anywhere" {
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

# ---- port 8000 ----

# works_on_8000 OPTION...: in every situation above, without a capability.
works_on_8000() {
  printf -- '---- %s %s\n' "$image" "$*"
  start --env KONG_PROXY_LISTEN=0.0.0.0:8000 "$@"
  serves http://localhost:8000/
  has_predicted_credentials
  credentials "$master" | jq --exit-status '.permitted == []'
  is_healthy
  reload 8000
  [[ $(<"$directory/reload.status") == 0 ]]
  starts_again 8000
  remove
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

# ---- it is no way to gain ----

@test "whoever starts an entrypoint with =p by hand gets nothing from it, for no program" {
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

@test "the README's table is what came out here" {
  local documented
  documented=$(sed -n '/<!-- modes -->/,/<!-- end of modes -->/p' "$repository/README.md" | grep '^|')
  diff <(printf '%s\n' "$documented") "$table"
}

@test "the README's dry run is what is printed here" {
  local documented
  documented=$(sed -n '/^\$ entrypoint --dry-run kong docker-start$/,/^```$/p' "$repository/README.md" | sed '1d;$d')
  diff <(printf '%s\n' "$documented") \
    <(podman run --rm --env KONG_PROXY_LISTEN='0.0.0.0:80, 0.0.0.0:443 ssl' --entrypoint /bin/sh "$image" \
      -c "$with_streams" 600 --dry-run kong docker-start)
}
