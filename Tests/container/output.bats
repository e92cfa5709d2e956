#!/usr/bin/env bats
# What reaches nginx, and what reaches the log.

# shellcheck source-path=SCRIPTDIR source=container.bash
source "${BATS_TEST_DIRNAME}/container.bash"

secret='correct horse battery staple'

# With master_process off nginx never writes a title over its environment, so that /proc keeps it.
# shellcheck disable=SC2016 # for the shell in the container
odd_start='
  set -- env "ODD=$(printf "\377\376\200 end")" "we.ird-name=$(printf "a\nb\tc=d")" "EMPTY=" \
    "KONG_PG_PASSWORD=correct horse battery staple" KONG_NGINX_MAIN_MASTER_PROCESS=off
  "$@" cat /proc/self/environ >/tmp/given
  exec "$@" /usr/local/bin/entrypoint kong docker-start'

# variables_of FILE: sorted, without those that the start changes on purpose.
variables_of() {
  grep --null-data --text --invert-match -E '^(HOME|KONG_NGINX_DAEMON)=' "$1" | sort --zero-terminated
}

@test "odd bytes in the environment reach nginx unchanged" {
  start --env KONG_PROXY_LISTEN=0.0.0.0:80 --entrypoint /bin/sh -- -c "$odd_start"
  serves http://localhost:80/
  tr '\0' '\n' <"/proc/$master/environ" | cat -v
  cmp <(variables_of "/proc/$master/environ") <(variables_of "$(root_of_container)/tmp/given")
  cmp <(variables_of "$(root_of_container)$prefix/stand-in.environ") <(variables_of "$(root_of_container)/tmp/given")
  grep --null-data --text --line-regexp KONG_NGINX_DAEMON=off "/proc/$master/environ"
  grep --null-data --text --line-regexp HOME=/home/kong "/proc/$master/environ"
  (($(grep --null-data --text --count -E '^HOME=' "/proc/$master/environ") == 1))
}

@test "secrets never reach the log, neither at debug level nor as JSON" {
  for format in text json; do
    start --env KONG_PROXY_LISTEN=0.0.0.0:80 --env KONG_PG_PASSWORD="$secret" --env MY_TOKEN="$secret" \
      --env ENTRYPOINT_LOG_LEVEL=debug --env ENTRYPOINT_LOG_FORMAT=$format
    serves http://localhost:80/
    not logged "$secret"
    logged entrypoint
    remove
  done
}

@test "secrets are not in the plan" {
  for format in text json; do
    finish --env KONG_PG_PASSWORD="$secret" --env MY_TOKEN="$secret" -- --dry-run --format $format kong docker-start
    ((status == 0))
    not grep -F "$secret" "$directory/stdout" "$directory/stderr"
    remove
  done
}

@test "an error's message shows no secret" {
  finish --env KONG_PROXY_LISTEN=nonsense --env KONG_PG_PASSWORD="$secret"
  ((status == 78))
  not grep -F "$secret" "$directory/stdout" "$directory/stderr"
}

@test "stdout, a pipe of the engine, belongs to kong, and nginx's access log arrives through /dev/stdout" {
  start_with_streams 600 --env KONG_PROXY_LISTEN=0.0.0.0:80
  serves http://localhost:80/
  [[ $(readlink "/proc/$master/fd/1") == pipe:* ]]
  [[ $(stat --dereference --format '%u %a' "/proc/$master/fd/1") == '1337 600' ]]
  page http://localhost:80/a-page-of-this-test
  eventually logged 'GET /a-page-of-this-test'
  podman logs "$container" 2>/dev/null | grep 'GET /a-page-of-this-test'
}

@test "nginx's error log arrives through /dev/stderr" {
  start_with_streams 600 --env KONG_PROXY_LISTEN=0.0.0.0:80
  serves http://localhost:80/
  [[ $(stat --dereference --format '%u %a' "/proc/$master/fd/2") == '1337 600' ]]
  podman logs "$container" 2>&1 >/dev/null | grep 'start worker process'
}

@test "streams that the engine opened to everybody are not changed, and the plan has no step for them" {
  start_with_streams 777
  serves http://localhost:8000/
  [[ $(stat --dereference --format '%u %a' "/proc/$master/fd/1" "/proc/$master/fd/2") == $'0 777\n0 777' ]]
  page http://localhost:8000/through-a-pipe-of-everybody
  eventually logged 'GET /through-a-pipe-of-everybody'
  podman run --rm --entrypoint /bin/sh "$image" -c "$with_streams" 777 --dry-run --format json kong docker-start \
    >"$directory/plan"
  jq --exit-status '[.steps[].do] | index("link-logs") and (index("give-stream") | not)' "$directory/plan"
}

@test "with a terminal, from podman run --tty, nginx logs to it as kong" {
  start --tty --env KONG_PROXY_LISTEN=0.0.0.0:80
  serves http://localhost:80/
  page http://localhost:80/on-a-terminal
  eventually logged 'GET /on-a-terminal'
  runs_as_kong_with cap_net_bind_service
  has_predicted_credentials
}

@test "by default a start says one line: nginx's user and its capabilities" {
  start --env KONG_PROXY_LISTEN=0.0.0.0:80
  serves http://localhost:80/
  podman logs "$container" 2>&1 | grep '^entrypoint: ' >"$directory/lines"
  cat "$directory/lines"
  (($(wc -l <"$directory/lines") == 1))
  grep -E '^entrypoint: info: .*kong .*cap_net_bind_service' "$directory/lines"
  remove
  start
  serves http://localhost:8000/
  podman logs "$container" 2>&1 | grep '^entrypoint: ' >"$directory/lines"
  cat "$directory/lines"
  (($(wc -l <"$directory/lines") == 1))
  grep -E '^entrypoint: info: .*kong .*without capabilities' "$directory/lines"
}

@test "at level warn a start without a warning says nothing" {
  start --env KONG_PROXY_LISTEN=0.0.0.0:80 --env ENTRYPOINT_LOG_LEVEL=warn
  serves http://localhost:80/
  not logged 'entrypoint: '
}

@test "as JSON each line of the log is an object" {
  start --env KONG_PROXY_LISTEN=0.0.0.0:80 --env ENTRYPOINT_LOG_FORMAT=json --env KONG_PROXY_ERROR_LOG=/dev/null
  serves http://localhost:80/
  podman logs "$container" 2>&1 >/dev/null | tee "$directory/lines"
  [[ $(jq --slurp --compact-output 'map(type)' "$directory/lines") == '["object"]' ]]
}
