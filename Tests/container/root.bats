#!/usr/bin/env bats
# `kong docker-start` in a container that starts as root.

# shellcheck source-path=SCRIPTDIR source=container.bash
source "${BATS_TEST_DIRNAME}/container.bash"

low_ports='0.0.0.0:80, 0.0.0.0:443 ssl'

@test "started as root, nginx serves 80 and 443 as kong with exactly cap_net_bind_service" {
  start --env KONG_PROXY_LISTEN="$low_ports"
  serves http://localhost:80/
  serves https://localhost:443/
  runs_as_kong_with cap_net_bind_service
  nginx_is_granted cap_net_bind_service=ep
  has_predicted_credentials
}

@test "nginx replaces entrypoint as the container's first process" {
  start --env KONG_PROXY_LISTEN="$low_ports"
  serves http://localhost:80/
  [[ $(status_of "$master" NSpid) == *' 1' ]]
  [[ $(readlink "/proc/$master/exe") == "$nginx" ]]
  [[ $(tr '\0' ' ' <"/proc/$master/cmdline") == "nginx: master process $nginx -p $prefix -c nginx.conf "* ]]
}

@test "the worker process itself sees what the kernel says of it" {
  start --env KONG_PROXY_LISTEN="$low_ports"
  serves http://localhost:80/
  page http://localhost:80/worker >"$directory/seen"
  grep -E '^(Uid|Gid|Cap|NoNewPrivs)' "$directory/seen" >"$directory/inside"
  grep -E '^(Uid|Gid|Cap|NoNewPrivs)' "/proc/$(worker)/status" >"$directory/outside"
  cat "$directory/inside"
  cmp "$directory/inside" "$directory/outside"
}

@test "without a listener below 1024 nothing is granted, and nginx's file is not written" {
  serves_high_ports
}

@test "a low port of the admin, status and stream listeners is granted like one of the proxy" {
  start --env KONG_ADMIN_LISTEN=127.0.0.1:81 --env KONG_STATUS_LISTEN='127.0.0.1:82, 127.0.0.1:444 ssl' \
    --env KONG_STREAM_LISTEN='127.0.0.1:83, 127.0.0.1:53 udp'
  serves http://127.0.0.1:81/ admin
  serves http://127.0.0.1:82/ status
  serves https://127.0.0.1:444/ status
  [[ $(nsenter --target "$master" --net bash -c 'cat </dev/tcp/127.0.0.1/83') == 'kong stand-in (stream) at 127.0.0.1:83'* ]]
  runs_as_kong_with cap_net_bind_service
  has_predicted_credentials
}

@test "an IPv6 listener on port 80 is granted like an IPv4 one" {
  start --env KONG_PROXY_LISTEN='[::1]:80'
  serves 'http://[::1]:80/'
  runs_as_kong_with cap_net_bind_service
  has_predicted_credentials
}

@test "SET_CAP_NET_RAW=1 grants exactly cap_net_raw if the container has it" {
  start --cap-add NET_RAW --env SET_CAP_NET_RAW=1
  serves http://localhost:8000/
  has_ambient cap_net_raw
  has_predicted_credentials
}

@test "SET_CAP_NET_RAW=1 and a low port grant both, and nothing else" {
  start --cap-add NET_RAW --env SET_CAP_NET_RAW=1 --env KONG_PROXY_LISTEN="$low_ports"
  serves http://localhost:80/
  has_ambient cap_net_bind_service cap_net_raw
  has_predicted_credentials
}

@test "a transparent listener is granted cap_net_raw" {
  start --cap-add NET_RAW --env STAND_IN_KONG=1.3.0 --env KONG_STREAM_LISTEN='127.0.0.1:9000 transparent'
  serves http://localhost:8000/
  has_ambient cap_net_raw
  has_predicted_credentials
}

@test "SET_CAP_NET_RAW=1 in a container without cap_net_raw ends the start with 77 and says why" {
  finish --env SET_CAP_NET_RAW=1
  cat "$directory/stderr"
  ((status == 77))
  grep 'entrypoint: error: .*cap_net_raw' "$directory/stderr"
  grep 'SET_CAP_NET_RAW' "$directory/stderr"
}

@test "SET_CAP_NET_BIND_SERVICE=false for a low port ends the start with 77 before kong prepare" {
  finish --env SET_CAP_NET_BIND_SERVICE=false --env KONG_PROXY_LISTEN="$low_ports"
  ((status == 77))
  says_error 0.0.0.0:80 'why: SET_CAP_NET_BIND_SERVICE forbids it'
  [[ -z $(file_capabilities "$(root_of_ended)$nginx") ]]
}

@test "if every port is unprivileged, as in Docker, port 80 needs nothing" {
  start --sysctl net.ipv4.ip_unprivileged_port_start=0 --env KONG_PROXY_LISTEN="$low_ports"
  serves http://localhost:80/
  serves https://localhost:443/
  runs_as_kong_with none
  nginx_is_granted ''
  has_predicted_credentials
}

@test "the first unprivileged port of the container's network decides, not 1024" {
  start --sysctl net.ipv4.ip_unprivileged_port_start=80 --env KONG_PROXY_LISTEN='0.0.0.0:80'
  serves http://localhost:80/
  runs_as_kong_with none
  has_predicted_credentials
}

@test "a restart of the same container grants again, on the same file" {
  start --env KONG_PROXY_LISTEN="$low_ports"
  serves http://localhost:80/
  # The inode, not the device: the engine mounts the root again, and the kernel gives that mount a new number.
  local file
  file=$(stat --format %i "$(root_of_container)$nginx")
  podman restart --time "$patience" "$container"
  find_master
  serves http://localhost:80/
  [[ $(stat --format %i "$(root_of_container)$nginx") == "$file" ]]
  runs_as_kong_with cap_net_bind_service
  has_predicted_credentials
}

@test "if the image gave nginx its capability, no cap_setfcap is needed: nothing is written" {
  podman run --rm --entrypoint cat "$image" "$nginx" >"$directory/nginx"
  chmod 755 "$directory/nginx"
  setcap cap_net_bind_service=ep "$directory/nginx"
  start --cap-drop SETFCAP --volume "$directory/nginx:$nginx" --env KONG_PROXY_LISTEN="$low_ports"
  serves http://localhost:80/
  runs_as_kong_with cap_net_bind_service
  has_predicted_credentials
  # The file's capability was used, not an ambient one: only a file's causes a secure execution.
  credentials "$master" | jq --exit-status .secure_execution
  not logged 'entrypoint: warn'
}

@test "a file capability from an earlier start with another need is replaced by exactly what is needed" {
  podman run --rm --entrypoint cat "$image" "$nginx" >"$directory/nginx"
  chmod 755 "$directory/nginx"
  setcap cap_net_bind_service,cap_chown=eip "$directory/nginx"
  start --volume "$directory/nginx:$nginx" --env KONG_PROXY_LISTEN="$low_ports"
  serves http://localhost:80/
  nginx_is_granted cap_net_bind_service=ep
  runs_as_kong_with cap_net_bind_service
  has_predicted_credentials
}

@test "the dry run in a running container predicts what its nginx has" {
  start --env KONG_PROXY_LISTEN="$low_ports"
  serves http://localhost:80/
  podman exec "$container" entrypoint --dry-run --format json kong docker-start >"$directory/plan"
  jq . "$directory/plan"
  [[ $(jq --compact-output --sort-keys .result "$directory/plan") == "$(credentials "$master")" ]]
}

@test "the dry run starts nothing and changes nothing" {
  finish --env KONG_PROXY_LISTEN="$low_ports" -- --dry-run kong docker-start
  cat "$directory/stdout"
  ((status == 0))
  not grep -E '/usr|/home|/tmp' <(podman diff "$container")
}

@test "SIGQUIT, the image's STOPSIGNAL, stops nginx gracefully" {
  start --env KONG_PROXY_LISTEN="$low_ports"
  serves http://localhost:80/
  podman stop --time "$patience" "$container"
  [[ $(ended_with) == 0 ]]
  logged 'gracefully shutting down'
}

@test "the tested image is built with the lines of docker/README.md's Dockerfile that starts as root, and only these" {
  lines() { sed 's/--from=[^ ]* .entrypoint/entrypoint/' | grep -E '^(COPY|USER|ENTRYPOINT|CMD) '; }
  as_root() {
    awk '/^```Dockerfile$/ { is_open = 1; text = ""; next }
      /^```$/ { if (is_open && text ~ /\nUSER root\n/) printf "%s", text; is_open = 0 }
      is_open { text = text $0 "\n" }' "$repository/docker/README.md"
  }
  diff <(lines <"$repository/Tests/container/Containerfile") <(as_root | lines)
}
