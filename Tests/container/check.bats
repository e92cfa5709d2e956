#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # a test is a subshell of its own
# --check in a container, before and while Kong runs. Nodes with pods are in Tests/preflight.

# shellcheck source-path=SCRIPTDIR source=container.bash
source "${BATS_TEST_DIRNAME}/container.bash"

listen=(--env KONG_PROXY_LISTEN='0.0.0.0:80 reuseport, 0.0.0.0:443 ssl')

# nothing_found FILE: the report has checks, and none of them has a warning or a failure.
nothing_found() {
  jq --exit-status '.exit_status == 0 and (.checks | length > 0)
    and all(.checks[]; .verdict == "passed" or .verdict == "skipped")' "$1" || {
    cat "$1"
    return 1
  }
}

@test "--check finds nothing before a start, as root and as kong, with a read-only root" {
  local user
  for user in root kong; do
    finish --user "$user" --sysctl net.ipv4.ip_unprivileged_port_start=0 "${listen[@]}" \
      --read-only --env KONG_PREFIX=/kong_prefix --tmpfs /kong_prefix -- \
      --check --format json kong docker-start
    [[ $status == 0 && ! -s $directory/stderr ]]
    nothing_found "$directory/stdout"
    remove
  done
}

@test "--check beside a Kong that runs sees that its own nginx listens, with the planned credentials" {
  start --sysctl net.ipv4.ip_unprivileged_port_start=1024 "${listen[@]}"
  serves http://127.0.0.1/
  podman exec "$container" entrypoint --check --format json kong docker-start >"$directory/report"
  nothing_found "$directory/report"
  jq --exit-status '[.checks[] | select(.check == "running") | "\(.verdict) \(.subject)"] |
    contains(["passed nginx", "passed 0.0.0.0:80", "passed 0.0.0.0:443"])' "$directory/report"
  podman exec "$container" entrypoint --check kong docker-start >"$directory/text"
  grep -Fx 'passed   running          0.0.0.0:80' "$directory/text"
}

@test "--check beside a Kong that runs sees another listener that the settings name, and ends with 78" {
  local status=0
  start --env KONG_PROXY_LISTEN=0.0.0.0:8000
  serves http://127.0.0.1:8000/
  podman exec --env KONG_PROXY_LISTEN=0.0.0.0:8000,0.0.0.0:8009 "$container" \
    sh -c "rm -f $prefix/nginx.conf; exec entrypoint --check kong docker-start" >"$directory/text" || status=$?
  [[ $status == 78 ]]
  grep -F 'failed   running          0.0.0.0:8009: nginx does not listen on KONG_PROXY_LISTEN 0.0.0.0:8009' "$directory/text"
  grep -Fx 'passed   running          0.0.0.0:8000' "$directory/text"
}
