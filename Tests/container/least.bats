#!/usr/bin/env bats
# --format docker prints the fewest flags: with exactly these a start runs as planned; without any one of them
# it does not.

# shellcheck source-path=SCRIPTDIR source=container.bash disable=SC2030,SC2031
source "${BATS_TEST_DIRNAME}/container.bash"

# A new volume of root's: without cap_chown nobody can give it to kong. Not every engine's pipes need that.
volume=(--tmpfs "$prefix:mode=755,notmpcopyup")

# least VARIABLE...: sets `flags` to the flags for a start with these variables.
least() {
  variables=("${volume[@]}")
  local variable
  for variable in "$@"; do variables+=(--env "$variable"); done
  read -ra flags < <(
    podman run --rm --cap-add NET_RAW "${variables[@]}" "$image" --dry-run --format docker kong docker-start
  )
  printf 'flags: %s\n' "${flags[*]}"
}

# With these flags nginx serves, has exactly what it needs, and there is no warning.
comes_out_as_planned() {
  start "${variables[@]}" "$@"
  serves "$url" && not logged 'entrypoint: warn' && has_least_with "${wanted[@]}"
}

# has_least_with none|CAPABILITY...: as kong, exactly these, and an empty rest of the bounding set.
has_least_with() {
  local wanted
  wanted=$(printf '%s\n' "$@" | jq --raw-input --slurp --compact-output '[scan("cap_\\w+")]')
  credentials "$master" | jq --exit-status --argjson wanted "$wanted" '.uid == 1337 and .no_new_privs
    and .permitted == $wanted and .effective == $wanted and .bounding == $wanted'
}

# Leaves out each --cap-add in turn.
none_is_superfluous() {
  local index tried=0
  for index in "${!flags[@]}"; do
    [[ ${flags[index]} == --cap-add ]] || continue
    printf 'without %s\n' "${flags[index + 1]}"
    not comes_out_as_planned "${flags[@]:0:index}" "${flags[@]:index+2}"
    remove
    tried=$((tried + 1))
  done
  ((tried == $1))
}

@test "the flags for ports 80 and 443 are enough, and each of them is needed" {
  url=http://localhost:80/ wanted=(cap_net_bind_service)
  least KONG_PROXY_LISTEN='0.0.0.0:80, 0.0.0.0:443 ssl'
  comes_out_as_planned "${flags[@]}"
  has_predicted_credentials
  remove
  none_is_superfluous 4
}

@test "the flags for a transparent listener on port 80 are enough, and each is needed" {
  url=http://localhost:80/ wanted=(cap_net_bind_service cap_net_raw)
  least STAND_IN_KONG=1.3.0 KONG_PROXY_LISTEN=0.0.0.0:80 KONG_STREAM_LISTEN='127.0.0.1:9000 transparent'
  comes_out_as_planned "${flags[@]}"
  remove
  none_is_superfluous 5
}

@test "the flags for high ports have only what the drop needs" {
  url=http://localhost:8000/ wanted=(none)
  least
  comes_out_as_planned "${flags[@]}"
  remove
  none_is_superfluous 3
}

@test "the flags for a grant by file add cap_setfcap" {
  url=http://localhost:80/ wanted=(cap_net_bind_service)
  least KONG_PROXY_LISTEN=0.0.0.0:80 ENTRYPOINT_CAP_MODE=file
  [[ " ${flags[*]} " == *' SETFCAP '* ]]
  comes_out_as_planned "${flags[@]}"
  nginx_is_granted cap_net_bind_service=ep
  remove
  none_is_superfluous 5
}

@test "the flags for a start as kong are the sysctl, and without it the start ends with 77" {
  image=$image_user_kong volume=()
  url=http://localhost:80/ wanted=(none)
  least KONG_PROXY_LISTEN=0.0.0.0:80
  [[ ${flags[*]} == '--user 1337 --cap-drop ALL --security-opt no-new-privileges --sysctl net.ipv4.ip_unprivileged_port_start=80' ]]
  start "${variables[@]}" "${flags[@]}"
  serves "$url"
  runs_as_kong_with none
  remove
  finish "${variables[@]}" "${flags[@]:0:6}"
  ((status == 77))
}

@test "podman kube play starts with the security context for Kubernetes" {
  podman run --rm --env KONG_PROXY_LISTEN=0.0.0.0:80 "$image" --dry-run --format kubernetes kong docker-start \
    >"$directory/context"
  cat "$directory/context"
  cat >"$directory/pod.yaml" <<YAML
apiVersion: v1
kind: Pod
metadata: { name: least }
spec:
  containers:
    - name: kong
      image: $image:latest
      imagePullPolicy: Never
      args: [kong, docker-start]
      env: [{ name: KONG_PROXY_LISTEN, value: "0.0.0.0:80" }]
      volumeMounts: [{ name: prefix, mountPath: $prefix }, { name: tmp, mountPath: /tmp }]
$(sed 's/^/      /' "$directory/context")
  volumes: [{ name: prefix, hostPath: { path: "$directory/prefix" } }, { name: tmp, hostPath: { path: "$directory/tmp" } }]
YAML
  install -d -o 1337 -g 0 "$directory/prefix"
  install -d -m 1777 "$directory/tmp"
  podman kube play --network none "$directory/pod.yaml"
  container=least-kong
  find_master
  serves http://localhost:80/
  has_least_with cap_net_bind_service
  container=""
  podman kube down "$directory/pod.yaml"
}
