#!/usr/bin/env bats
# The image from docker/Dockerfile: what it adds to its base, and that it starts as root and as kong.

# shellcheck source-path=SCRIPTDIR source=container.bash disable=SC2030,SC2031
source "${BATS_TEST_DIRNAME}/container.bash"

listen=(--env KONG_PROXY_LISTEN='0.0.0.0:80, 0.0.0.0:443 ssl')
# Not over /usr/local/kong: podman would copy its contents, with a mode that excludes kong.
read_only=(--read-only --tmpfs /kong_prefix:mode=1777 --tmpfs /tmp --env KONG_PREFIX=/kong_prefix)

setup_file() {
  image=$image_shipped
  podman inspect "$image" >"$engine_directory/shipped.json"
  podman inspect "$image_official" >"$engine_directory/base.json"
}

# of shipped|base FILTER: from the image's own description.
of() {
  jq --compact-output ".[0] | $2" "$engine_directory/$1.json"
}

# files IMAGE: path, type, mode, owner and size of each file, without the sizes of directories.
files() {
  podman run --rm --user root --entrypoint find "$1" / -xdev \
    \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /etc/hosts -o -path /etc/resolv.conf -o -path /etc/hostname \) -prune \
    -o \( -type d -printf '%p %y %m %U:%G\n' -o -printf '%p %y %m %U:%G %s\n' \) | sort
}

@test "each image that it starts from has a tag and a digest, and the file that has Renovate renew them is valid" {
  sed -n 's/^ARG [A-Z]*_IMAGE=//p' "$repository/docker/Dockerfile" >"$directory/images"
  cat "$directory/images"
  (($(grep -cE '^docker\.io/library/[a-z]+:[0-9a-z.-]+@sha256:[0-9a-f]{64}$' "$directory/images") == 3))
  not grep -vxE 'scratch|\$\{[A-Z]+_IMAGE\}' <(sed -nE 's/^FROM (--[^ ]+ )?([^ ]+).*/\2/p' "$repository/docker/Dockerfile")
  "$python_tools/bin/check-jsonschema" --builtin-schema vendor.renovate "$repository/.github/renovate.json"
}

@test "it adds one layer below 2.5 MB, with one file and no package" {
  [[ $(of shipped '.RootFS.Layers[:-1]') == "$(of base '.RootFS.Layers')" ]]
  added=$(($(of shipped .Size) - $(of base .Size)))
  printf '%s bytes\n' "$added"
  ((added > 0 && added < 2500000))
  files "$image_official" >"$directory/before"
  files "$image_shipped" >"$directory/after"
  diff "$directory/before" "$directory/after" >"$directory/difference" || true
  cat "$directory/difference"
  (($(grep -c '^[<>]' "$directory/difference") == 1))
  grep -E '^> /usr/local/bin/entrypoint f 755 0:0 [0-9]+$' "$directory/difference"
}

@test "COPY keeps the binary's capabilities: permitted and not effective" {
  container=$(podman create "$image_shipped")
  [[ $(file_capabilities "$(root_of_ended)/usr/local/bin/entrypoint") == cap_net_bind_service=p ]]
}

@test "entrypoint and command are ours, the stop is graceful, and everything else is the base's" {
  [[ $(of shipped .Config.Entrypoint) == '["/usr/local/bin/entrypoint"]' ]]
  [[ $(of shipped .Config.Cmd) == '["kong","docker-start"]' ]]
  [[ $(of base .Config.StopSignal) == '"SIGTERM"' && $(of shipped .Config.StopSignal) == '"SIGQUIT"' ]]
  [[ $(of shipped .Config.User) == '"kong"' ]]
  jq --exit-status '.[0].Config.ExposedPorts | has("80/tcp") and has("443/tcp")' "$engine_directory/shipped.json"
  others='.Config | del(.Entrypoint, .Cmd, .StopSignal, .Labels, .ExposedPorts)'
  diff <(of base "$others") <(of shipped "$others")
}

# has_the_binary_alone IMAGE: with its capability.
has_the_binary_alone() {
  local root
  container=$(podman create "$1")
  root=$(root_of_ended)
  [[ $(find "$root" -type f -printf '%P\n') == entrypoint ]]
  [[ $(file_capabilities "$root/entrypoint") == cap_net_bind_service=p ]]
  remove
}

@test "the target published is a release's binary alone, with its capability and OCI labels" {
  has_the_binary_alone "$image_published"
  podman inspect "$image_published" | jq --exit-status '.[0].Config.Labels
    | .["org.opencontainers.image.title"] == "entrypoint" and .["org.opencontainers.image.licenses"] == "Apache-2.0"'
}

@test "the target binary is the binary alone, and runs" {
  has_the_binary_alone "$image_binary"
  image=$image_binary
  finish -- --version
  cat "$directory/stdout" "$directory/stderr"
  ((status == 0))
  grep -E -x 'entrypoint [0-9]+\.[0-9]+\.[0-9]+ \(v1\.2\.3, 0123abcd\)' "$directory/stdout"
}

# answers_on_both_ports_as_planned OPTION...
answers_on_both_ports_as_planned() {
  image=$image_shipped
  start "${listen[@]}" "$@"
  serves http://localhost:80/
  serves https://localhost:443/
  has_predicted_credentials
  runs_as "$(credentials "$master")"
}

# runs_as CREDENTIALS: as kong, with exactly what the ports need.
runs_as() {
  printf '%s\n' "$1"
  jq --exit-status '.uid == 1000 and (.permitted - ["cap_net_bind_service"] == [])' <<<"$1"
}

@test "as the base's user kong both ports answer: the capability comes from entrypoint's own file" {
  answers_on_both_ports_as_planned --cap-drop ALL --security-opt seccomp=unconfined --cap-add NET_BIND_SERVICE
  remove
  answers_on_both_ports_as_planned
}

@test "as root both ports answer, and nginx runs as kong" {
  answers_on_both_ports_as_planned --user root
}

@test "as root with the flags of --format docker both ports answer" {
  prefix=/kong_prefix
  read -ra flags < <(podman run --rm --user root "${listen[@]}" "$image_shipped" --dry-run --format docker kong docker-start)
  answers_on_both_ports_as_planned "${flags[@]}" "${read_only[@]}"
}

@test "as kong with the flags of --format docker both ports answer, with no other capability" {
  prefix=/kong_prefix
  read -ra flags < <(podman run --rm "${listen[@]}" "$image_shipped" --dry-run --format docker kong docker-start)
  answers_on_both_ports_as_planned "${flags[@]}" "${read_only[@]}"
  credentials "$master" | jq --exit-status '.bounding == ["cap_net_bind_service"] and .no_new_privs'
}

@test "its healthcheck distinguishes a running Kong from a stopped one, for root, for kong and for any number" {
  image=$image_shipped
  prefix=/kong_prefix
  for user in root kong 1000680000:0; do
    for status in off 127.0.0.1:8100; do
      start --user "$user" "${read_only[@]}" --env KONG_STATUS_LISTEN="$status"
      serves http://localhost:8000/
      podman healthcheck run "$container"
      # nginx with its pid file, but without its port; and without its pid file.
      if [[ $status != off ]]; then
        mapfile -t nginx_processes < <(processes)
        kill -STOP "${nginx_processes[@]}"
        not podman exec "$container" entrypoint --health
        kill -CONT "${nginx_processes[@]}"
      else
        rm "$(root_of_container)$prefix/pids/nginx.pid"
        not podman healthcheck run "$container"
      fi
      remove
    done
  done
}

@test "--health says what is wrong, and ends with 1" {
  image=$image_shipped
  finish --env KONG_STATUS_LISTEN=127.0.0.1:8100 -- --health
  cat "$directory/stdout" "$directory/stderr"
  ((status == 1))
  grep -F 'error: Kong is not healthy: http://127.0.0.1:8100/status does not answer' "$directory/stderr"
  grep -F 'why: nothing listens there: Kong has not started yet, or has ended' "$directory/stderr"
}

# Requests a page in two writes, and lets the engine stop the container between them. It ends with the test,
# which removes the directory.
ask_slowly() {
  # shellcheck disable=SC2016 # for the shell in the container's network
  nsenter --target "$master" --net bash -c '
    exec 5<>/dev/tcp/127.0.0.1/80
    printf "GET /begun HTTP/1.0\r\n" >&5
    touch "$1/begun"
    while [[ -d $1 && ! -e $1/stopping ]]; do sleep 0.02; done
    printf "\r\n" >&5
    cat <&5' bash "$directory" >"$directory/page"
}

@test "the engine's stop is graceful: a request that has begun is answered, and the status is 0" {
  image=$image_shipped
  start "${listen[@]}"
  serves http://localhost:80/
  ask_slowly &
  eventually test -e "$directory/begun"
  podman stop --time "$patience" "$container" &
  eventually logged 'gracefully shutting down'
  touch "$directory/stopping"
  [[ $(ended_with) == 0 ]]
  wait
  cat "$directory/page"
  grep -F 'kong stand-in (proxy)' "$directory/page"
}
