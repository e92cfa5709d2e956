#!/usr/bin/env bats
# `kong docker-start` in a container that does not start as root.

# shellcheck source-path=SCRIPTDIR source=container.bash
source "${BATS_TEST_DIRNAME}/container.bash"

@test "started as kong, nginx serves high ports, and there is no drop" {
  image=$image_user_kong
  serves_high_ports
}

@test "started as kong with port 80, the start ends with 77 before kong prepare, and explains why" {
  image=$image_user_kong
  finish --env KONG_PROXY_LISTEN=0.0.0.0:80
  ((status == 77))
  says_error 0.0.0.0:80 net.ipv4.ip_unprivileged_port_start 'its bind() would fail (13: Permission denied)'
}

@test "started as kong where every port is unprivileged, port 80 just works" {
  image=$image_user_kong
  start --sysctl net.ipv4.ip_unprivileged_port_start=0 --env KONG_PROXY_LISTEN=0.0.0.0:80
  serves http://localhost:80/
  runs_as_kong_with none
  has_predicted_credentials
  not logged 'entrypoint: warn'
}

@test "started as a number without an account, with group 0 like OpenShift, nginx serves high ports" {
  start --user 1000650000:0
  serves http://localhost:8000/
  [[ $(status_of "$master" Uid) == '1000650000 1000650000 1000650000 1000650000' ]]
  has_predicted_credentials
}

@test "started as kong, SET_CAP_NET_BIND_SERVICE=1 cannot be met and ends the start with 77" {
  image=$image_user_kong
  finish --env SET_CAP_NET_BIND_SERVICE=1
  cat "$directory/stderr"
  ((status == 77))
  grep 'entrypoint: error: .*cap_net_bind_service' "$directory/stderr"
}

@test "the drop keeps the groups that the engine adds: hooks and nginx read a file of group 2000" {
  printf 'for group 2000' >"$directory/shared"
  chgrp 2000 "$directory/shared" && chmod 0640 "$directory/shared"
  mkdir "$directory/hooks"
  printf '%s\n' '#!/bin/sh' 'cat /srv/shared >/usr/local/kong/copy' >"$directory/hooks/1-copy"
  chmod 755 "$directory/hooks/1-copy"
  local mounts=(--volume "$directory/shared:/srv/shared:ro" --volume "$directory/hooks:/docker-entrypoint.d:ro")
  start --group-add 2000 "${mounts[@]}"
  serves http://localhost:8000/
  [[ $(<"$(root_of_container)$prefix/copy") == 'for group 2000' ]]
  for process in "$master" "$(worker)"; do
    [[ $(credentials "$process" | jq --compact-output .groups) == '[0,2000]' ]]
  done
  has_predicted_credentials
  remove
  finish --group-add 2000 --env ENTRYPOINT_KEEP_GROUPS=off "${mounts[@]}"
  ((status == 1)) # the hook's own
  grep -F '/srv/shared: Permission denied' "$directory/stderr"
}
