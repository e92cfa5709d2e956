#!/usr/bin/env bats
# --wait-for in a container: Kong's start waits for a real PostgreSQL, and ends at once with the container.

# shellcheck source-path=SCRIPTDIR source=container.bash disable=SC2030,SC2031
source "${BATS_TEST_DIRNAME}/container.bash"

database=entrypoint-wait-$BATS_TEST_NUMBER
postgres_image=$(sed -n 's/^ *image: \(.*\/postgres:.*\)$/\1/p' "$repository/docker/compose.yaml")

teardown() {
  podman logs "$database" 2>&1 | tail -n 20 || true
  podman rm --force --volumes "$database" >/dev/null 2>&1 || true
  [[ -z $container ]] || { podman logs "$container" 2>&1 && remove; }
  rm -rf "$directory"
}

# start_database: PostgreSQL on the host's network.
start_database() {
  run_database start-postgres postgres
}

# start_standby on|off: one that serves nobody until it is promoted, with TLS or without.
# shellcheck disable=SC2016 # for the shell in the container
start_standby() {
  run_database sh -c '
    start-postgres true
    cd /var/lib/postgresql/data
    install -o postgres -m 600 /dev/null standby.signal
    install -o postgres -m 600 -t . /given/server.crt /given/server.key
    exec start-postgres postgres -c hot_standby=off -c ssl="$1"' sh "$1"
}

run_database() {
  mkdir -p "$directory/given"
  printf 'the secret of the database\n' >"$directory/given/password"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 7 -subj '/CN=localhost' \
    -keyout "$directory/given/server.key" -out "$directory/given/server.crt" 2>/dev/null
  chmod -R a+rX "$directory/given"
  podman run --detach --name "$database" --network host --volume "$directory/given:/given:ro" \
    --env POSTGRES_USER=kong --env POSTGRES_PASSWORD_FILE=/given/password --entrypoint '["env"]' \
    "$postgres_image" "$@" >/dev/null
}

waits_for() {
  logged "entrypoint: info: waiting for PostgreSQL at localhost:5432 (KONG_PG_HOST), at most 1m: $1"
}

wait_for_database=(--network host --env ENTRYPOINT_WAIT_FOR=database --env ENTRYPOINT_WAIT_INTERVAL=100ms
  --env KONG_DATABASE=postgres --env KONG_PG_HOST=localhost)

@test "Kong's start waits until PostgreSQL serves, and nothing of kong's runs before" {
  start --user root "${wait_for_database[@]}"
  eventually waits_for 'nobody listens on 127.0.0.1:5432 (Connection refused)'
  [[ ! -e $(root_of_container)$prefix/nginx.conf ]]
  start_database
  serves http://localhost:8000/
  eventually logged 'entrypoint: info: PostgreSQL at localhost:5432 (KONG_PG_HOST) answers after '
}

@test "a PostgreSQL that does not serve yet is told from one that is not there, with TLS and without" {
  for encrypts in off on; do
    start_standby "$encrypts"
    start --user root "${wait_for_database[@]}" --env KONG_PG_SSL=on
    eventually logged 'PostgreSQL answers: the database system is not accepting connections'
    [[ ! -e $(root_of_container)$prefix/nginx.conf ]]
    podman exec --user postgres "$database" pg_ctl promote --pgdata /var/lib/postgresql/data
    serves http://localhost:8000/
    eventually logged 'entrypoint: info: PostgreSQL at localhost:5432 (KONG_PG_HOST) answers after '
    not grep -F 'password authentication' <(podman logs "$database" 2>&1)
    remove
    podman rm --force --volumes "$database" >/dev/null
  done
}

@test "the end of the container ends the wait at once, with the signal's status" {
  for user in root kong; do
    start --user "$user" "${wait_for_database[@]}"
    eventually waits_for 'nobody listens on 127.0.0.1:5432 (Connection refused)'
    began=$EPOCHREALTIME
    podman kill --signal TERM "$container" >/dev/null
    (($(ended_with) == 143))
    ((${EPOCHREALTIME/./} - ${began/./} < 2000000))
    remove
  done
}
