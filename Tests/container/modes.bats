#!/usr/bin/env bats
# How nginx gets cap_net_bind_service, or why it cannot, in each situation that an engine can make. Each
# test writes a row of the README's table; the last one compares.

# shellcheck source-path=SCRIPTDIR source=container.bash disable=SC2016,SC2030,SC2031,SC2154
source "${BATS_TEST_DIRNAME}/container.bash"

table=$engine_directory/modes.md
listen=(--env KONG_PROXY_LISTEN=0.0.0.0:80)
# What Kong needs to be writable when the root file system is not.
read_only=(--read-only --tmpfs "$prefix:rw,mode=1777" --tmpfs /tmp)

setup_file() {
  printf '%s\n' '| started as | in a container with | way | nginx has, or what is said |' \
    '|---|---|---|---|' >"$engine_directory/modes.md"
}

# row START SITUATION WAY OUTCOME
row() {
  printf '| %s | %s | %s | %s |\n' "$@" >>"$table"
}

# grants START SITUATION WAY OPTION...: nginx serves port 80 with exactly what the plan says; its
# credentials are the row.
grants() {
  local start=$1 situation=$2 way=$3
  shift 3
  start "${listen[@]}" "$@"
  serves http://localhost:80/
  has_predicted_credentials
  [[ $(plan | jq --raw-output .grant.mode) == "$way" ]]
  row "$start" "$situation" "$way" "$(credentials "$master" | in_words)"
}

# explains START SITUATION WHY OPTION...: the start goes on, warns, and nginx cannot bind.
explains() {
  local start=$1 situation=$2 why=$3
  shift 3
  finish "${listen[@]}" "$@"
  # A terminal has one stream, and its own ends of lines.
  cat "$directory/stdout" "$directory/stderr" | tr --delete '\r' | tee "$directory/said"
  mv "$directory/said" "$directory/stderr"
  grep -F "entrypoint: warn:   why: $why" "$directory/stderr"
  grep -F 'entrypoint: warn:   way out: ' "$directory/stderr"
  grep -F 'bind() to 0.0.0.0:80 failed (13: Permission denied)' "$directory/stderr"
  ((status == 1))
  row "$start" "$situation" none "$(sed -n 's/^entrypoint: warn:   why: //p' "$directory/stderr")"
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
  row root '`--cap-drop ALL`' none "$(sed -n 's/^entrypoint: error:   why: //p' "$directory/stderr"), exit 77"
}

@test "root with the flags that --format docker prints: an ambient capability" {
  local -a flags
  read -ra flags < <(podman run --rm "${listen[@]}" "$image" --dry-run --format docker kong docker-start)
  grants root 'the flags of `--format docker`' ambient "${flags[@]}"
}

@test "root under no_new_privs: a file capability, because it is held across the drop" {
  grants root '`no-new-privileges`' file --security-opt no-new-privileges
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

@test "kong in a default container: the engine's switch of users has cleared the capability" {
  image=$image_user_kong
  explains kong 'the default' 'cap_net_bind_service is in the bounding set only'
  diff <(sed -n '/<!-- said -->/,/<!-- end of said -->/p' "$repository/README.md" | grep '^entrypoint: ') \
    <(grep '^entrypoint: warn: ' "$directory/stderr")
}

@test "kong with --cap-add in podman, which makes it ambient: nothing is left to do" {
  image=$image_user_kong
  start "${listen[@]}" --cap-add NET_BIND_SERVICE
  serves http://localhost:80/
  has_predicted_credentials
  row kong '`--cap-add` (podman)' "$(plan | jq --raw-output .grant.mode)" "$(credentials "$master" | in_words)"
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

@test "kong under no_new_privs: no file can give a capability" {
  image=$image_own_file
  explains kong '`no-new-privileges`, `=p` on entrypoint' \
    'cap_net_bind_service is in the bounding set only' --security-opt no-new-privileges
}

@test "kong on a read-only root file system, with =p on entrypoint: ambient" {
  image=$image_own_file
  grants kong '`--read-only`, `=p` on entrypoint' ambient "${read_only[@]}"
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
