#!/usr/bin/env bats
# docker/compose.yaml is valid, has the flags of --format docker, and runs with podman-compose.

# shellcheck source-path=SCRIPTDIR source=container.bash disable=SC2030,SC2031
source "${BATS_TEST_DIRNAME}/container.bash"

compose_file=$repository/docker/compose.yaml
project=entrypoint-compose-$BATS_TEST_NUMBER

setup_file() {
  "$python_tools/bin/python" -c '
import json, sys, yaml
print(json.dumps(yaml.safe_load(open(sys.argv[1]))))' "$compose_file" >"$engine_directory/compose.json"
}

# service NAME FILTER: reads the compose file with anchors resolved.
service() {
  jq --compact-output --arg name "$1" ".services[\$name] | $2" "$engine_directory/compose.json"
}

# copy_with_secrets [IMAGE]: a copy with secrets of the test's own, and with this image, by default the one
# built from docker/Dockerfile.
copy_with_secrets() {
  mkdir -p "$directory/docker/secrets"
  cp "$repository/docker/kong.yaml" "$directory/docker"
  sed "s#^  image: kong-entrypoint\$#  image: ${1:-$image_shipped}:latest#" "$compose_file" >"$directory/docker/compose.yaml"
  not cmp --quiet "$compose_file" "$directory/docker/compose.yaml"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 7 -subj '/CN=localhost' \
    -addext 'subjectAltName=DNS:localhost' -keyout "$directory/docker/secrets/tls.key" \
    -out "$directory/docker/secrets/tls.crt" 2>/dev/null
  printf 'the secret of the database\n' >"$directory/docker/secrets/postgres-password"
  chmod 444 "$directory/docker/secrets"/*
  write_podman
}

# podman-compose calls this program: the tests' engine without `--requires`. With it, podman starts what has ended once
# more, for each service that depends on it and at the same time, and the order of the services cannot be seen.
write_podman() {
  # shellcheck disable=SC2016 # for that program
  printf '#!/usr/bin/env bash\nsource %q\n%s\n%s\n' "$BATS_TEST_DIRNAME/engine.bash" \
    'for word; do shift; [[ $word == --requires=* ]] || set -- "$@" "$word"; done' 'podman "$@"' >"$directory/podman"
  chmod +x "$directory/podman"
}

compose() {
  "$python_tools/bin/podman-compose" --podman-path "$directory/podman" --project-name "$project" \
    --in-pod false --file "$directory/docker/compose.yaml" "$@"
}

teardown() {
  if [[ -e $directory/docker/compose.yaml ]]; then
    [[ -z $container ]] || podman logs "$container" 2>&1 | cat --show-nonprinting
    container=""
    compose --profile dbless --profile postgres down --volumes 2>&1 | grep -v -i healthcheck || true
    # If a network's name server outlived it, it would hold the pipes that bats reads to their end.
    pkill -x aardvark-dns || true
  fi
  [[ -z $container ]] || remove
  rm -rf "$directory"
}

# start_service OVERRIDE...: the DB-less Kong of the compose file, with these files besides, until it answers.
start_service() {
  local -a overrides=()
  local name
  copy_with_secrets
  for name in "$@"; do
    cp "$repository/docker/$name" "$directory/docker"
    overrides+=(--file "$directory/docker/$name")
    chmod 400 "$directory/docker/secrets/tls.key" # for root only
  done
  compose "${overrides[@]}" --profile dbless up --detach
  container=${project}_kong_1
  find_master
  prefix=/tmp/kong
  serves http://localhost:80/
}

@test "the compose file is valid by the schema of the compose specification" {
  "$python_tools/bin/check-jsonschema" --builtin-schema vendor.compose-spec "$compose_file"
  sed 's/cap_drop:/cap_drops:/' "$compose_file" >"$directory/wrong.yaml"
  not "$python_tools/bin/check-jsonschema" --quiet --builtin-schema vendor.compose-spec "$directory/wrong.yaml"
}

# has_printed_flags NAME FILE USER SYSCTL: a service has what --format docker prints for this user, where the
# lowest port that every user may bind is SYSCTL.
has_printed_flags() {
  local -a settings=()
  local setting printed written
  while read -r setting; do
    settings+=(--env "$setting")
  done < <(service "$1" '.environment | to_entries[] | select(.key | endswith("_FILE") | not)
    | "\(.key)=\(.value)"' | jq --raw-output .)
  printed=$(podman run --rm --user "$3" --sysctl "net.ipv4.ip_unprivileged_port_start=$4" "${settings[@]}" \
    "$image_shipped" --dry-run --format docker kong docker-start)
  written=$(jq --raw-output --arg name "$1" --slurpfile over "$2" '(.services[$name] + $over[0].services[$name])
    | "--user \(.user) " + ([.cap_drop[] | "--cap-drop \(.) "] | add)
    + ([.cap_add // [] | .[] | "--cap-add \(.) "] | add // "") + ([.security_opt[] | "--security-opt \(.)"] | join(" "))' \
    "$engine_directory/compose.json")
  diff <(printf '%s\n' "$printed") <(printf '%s\n' "$written")
  jq --exit-status --arg name "$1" --arg sysctl "$4" --slurpfile over "$2" '(.services[$name] + $over[0].services[$name])
    | .read_only and (.privileged // false | not) and .sysctls["net.ipv4.ip_unprivileged_port_start"] == $sysctl' \
    "$engine_directory/compose.json"
}

@test "user, capabilities and security options are what --format docker prints: kong, and no capability" {
  printf '{"services": {}}' >"$directory/nothing.json"
  for name in kong kong-on-postgres; do
    has_printed_flags "$name" "$directory/nothing.json" 1000 0
  done
}

@test "compose.root.yaml has what --format docker prints for root" {
  "$python_tools/bin/python" -c '
import json, sys, yaml
print(json.dumps(yaml.safe_load(open(sys.argv[1]))))' "${compose_file%.yaml}.root.yaml" >"$directory/root.json"
  for name in kong kong-on-postgres; do
    has_printed_flags "$name" "$directory/root.json" 0 1024
  done
}

@test "nginx ends by itself before the engine would kill it" {
  for name in kong kong-on-postgres; do
    service "$name" . | jq --exit-status '
      (.stop_grace_period | rtrimstr("s") | tonumber)
        > (.environment.KONG_NGINX_MAIN_WORKER_SHUTDOWN_TIMEOUT | rtrimstr("s") | tonumber)'
  done
}

@test "the DB-less service runs: both ports answer, and nginx runs as kong with what the plan says" {
  start_service
  eventually logged 'GET / HTTP/1.1" 200'
  planned=$(compose --profile dbless run --rm -T kong --dry-run --format json kong docker-start |
    jq --compact-output --sort-keys .result)
  printf 'plan   %s\nmaster %s\n' "$planned" "$(credentials "$master")"
  [[ $(credentials "$master") == "$planned" ]]
  [[ $(credentials "$(worker)") == "$planned" ]]
  credentials "$master" | jq --exit-status '.uid == 1000 and .permitted == [] and .bounding == [] and .no_new_privs'
}

@test "with compose.root.yaml it starts as root, reads secrets of root's, and nginx runs as kong" {
  start_service compose.root.yaml
  credentials "$master" | jq --exit-status '.uid == 1000 and .permitted == ["cap_net_bind_service"]
    and .bounding == .permitted and .no_new_privs'
}

@test "its key, which is a secret, is the one that clients see on port 443" {
  start_service
  nsenter --target "$master" --net curl --silent --show-error --noproxy '*' \
    --cacert "$directory/docker/secrets/tls.crt" https://localhost:443/ | grep -F 'kong stand-in'
}

@test "its healthcheck distinguishes a running Kong from one that does not answer" {
  start_service
  mapfile -t check < <(service kong '.healthcheck.test[1:][]' | jq --raw-output .)
  podman exec "$container" "${check[@]}" | grep -x 'Kong is healthy: http://127.0.0.1:8100/status answers 200'
  # shellcheck disable=SC2046 # several numbers
  kill -STOP "$master" $(cat "/proc/$master/task/$master/children")
  not podman exec "$container" "${check[@]}"
  # shellcheck disable=SC2046
  kill -CONT "$master" $(cat "/proc/$master/task/$master/children")
}

@test "the migrations of the profile postgres run as kong, and get the password from its file" {
  copy_with_secrets
  compose --profile postgres run --rm -T --no-deps migrations --dry-run --format json \
    kong migrations bootstrap >"$directory/plan"
  cat "$directory/plan"
  jq --exit-status '.possible and .result.uid == 1000 and .result.permitted == []
    and any(.secrets[]; .variable == "KONG_PG_PASSWORD" and .path == "/run/secrets/postgres-password")' "$directory/plan"
  [[ $(service migrations .command) == '["kong","migrations","bootstrap"]' ]]
  [[ $(service migrations-up '[.command, .environment == '"$(service migrations .environment)"']') \
    == '[["kong","migrations","up"],true]' ]]
}

@test "each profile alone starts one Kong, because both want ports 80 and 443" {
  for profile in dbless postgres; do
    jq --exit-status --arg profile "$profile" '[.services[] | select(.profiles == [$profile])
      | select(.ports // [] | contains(["80:80", "443:443"]))] | length == 1' "$engine_directory/compose.json"
  done
  jq --exit-status '.name == "kong" and all(.services[]; .profiles | length == 1)' "$engine_directory/compose.json"
}

# ---- the profile postgres ----

password='the secret of the database'

# healthy_database: starts PostgreSQL alone, and runs its healthcheck of compose.yaml, as systemd would.
healthy_database() {
  compose --profile postgres up --detach database
  eventually podman healthcheck run "${project}_database_1"
}

# From here on `container` is Kong's.
up_with_postgres() {
  compose --profile postgres up --detach
  container=${project}_kong-on-postgres_1
}

# state SERVICE FIELD: as the engine reports it.
state() {
  podman inspect --format "{{.State.$2}}" "${project}_$1_1"
}

# ended_before_start FIRST SECOND: the first service has ended when the second begins.
ended_before_start() {
  [[ $(state "$1" Status) == exited && $(state "$1" ExitCode) == 0 ]]
  (($(nanoseconds "$(state "$1" FinishedAt)") <= $(nanoseconds "$(state "$2" StartedAt)")))
}

# nanoseconds TIME: in the engine's format.
nanoseconds() {
  date --date "$(cut -d ' ' -f 1,2,3 <<<"$1")" +%s%N
}

kong_answers() {
  find_master
  prefix=/tmp/kong
  serves http://localhost:80/
  nsenter --target "$master" --net curl --silent --show-error --noproxy '*' \
    --cacert "$directory/docker/secrets/tls.crt" https://localhost:443/ | grep -F 'kong stand-in (proxy)'
}

# in_database STATEMENT: through the socket, which needs no password.
in_database() {
  podman exec --user postgres "${project}_database_1" \
    psql --username kong --dbname kong --tuples-only --no-align --command "$1"
}

# It is neither in the containers' output, nor in what the engine knows of them, nor in a command line.
password_is_nowhere() {
  local name
  for name in database migrations migrations-up kong-on-postgres; do
    podman inspect "${project}_${name}_1" | jq --exit-status '.[0].Config.Env | length > 0' >/dev/null
    { podman inspect "${project}_${name}_1" && podman logs "${project}_${name}_1" 2>&1; } >"$directory/known-of-$name"
  done
  cat /proc/[0-9]*/cmdline >"$directory/known-of-processes" 2>/dev/null || true
  grep --text -q postgres "$directory/known-of-processes"
  not grep --text -F -e "$password" "$directory"/known-of-*
}

@test "with PostgreSQL: the migrations end, then Kong starts with what the plan says, and again at the next up" {
  copy_with_secrets "$image_with_psql"
  up_with_postgres
  kong_answers
  [[ $(podman inspect --format '{{.RestartCount}}' "$container") == 0 ]]
  ended_before_start migrations migrations-up
  ended_before_start migrations-up kong-on-postgres
  podman logs "${project}_migrations_1" 2>&1 | grep -F 'info: waiting for PostgreSQL at database:5432 (KONG_PG_HOST)'
  podman logs "${project}_migrations_1" 2>&1 | grep -F 'Bootstrapping database...'
  podman logs "${project}_migrations-up_1" 2>&1 | grep -F 'Database is already up-to-date'
  [[ $(in_database 'SELECT key FROM schema_meta') == schema_meta ]]

  planned=$(compose --profile postgres run --rm -T --no-deps kong-on-postgres --dry-run --format json kong docker-start |
    jq --compact-output --sort-keys .result)
  printf 'plan   %s\nmaster %s\n' "$planned" "$(credentials "$master")"
  [[ $(credentials "$master") == "$planned" && $(credentials "$(worker)") == "$planned" ]]
  tr '\0' '\n' <"$(root_of_container)$prefix/stand-in.environ" | grep -x -F "KONG_PG_PASSWORD=$password"
  password_is_nowhere

  compose --profile postgres stop
  up_with_postgres
  kong_answers
  podman logs "${project}_migrations_1" 2>&1 | grep -F 'Database already bootstrapped'
  [[ $(credentials "$master") == "$planned" ]]
  password_is_nowhere
}

# As a user calls it. An engine that must know that the database is healthy would refuse to start Kong ("generating
# dependency graph"), and one without systemd would never know it.
@test "with PostgreSQL: podman-compose, which gives podman the dependencies, leads to a Kong that answers" {
  copy_with_secrets "$image_with_psql"
  sed -i '/^for word/d' "$directory/podman"
  not grep requires "$directory/podman"
  # While podman starts the migrations once more, its DNS server leaves questions without an answer.
  patience=90
  up_with_postgres
  kong_answers
}

@test "with PostgreSQL: the Admin API is on 127.0.0.1 of this machine, and on no other address" {
  copy_with_secrets "$image_with_psql"
  healthy_database
  up_with_postgres
  kong_answers
  published=$(podman inspect "$container" | jq --compact-output --sort-keys \
    '.[0].NetworkSettings.Ports | map_values(select(.)) |
      map_values(map((.HostIp | if . == "" then "0.0.0.0" else . end) + ":" + .HostPort))') # podman 4 names no address
  printf '%s\n' "$published"
  [[ $published == '{"443/tcp":["0.0.0.0:443"],"80/tcp":["0.0.0.0:80"],"8001/tcp":["127.0.0.1:8001"]}' ]]
  patient_curl http://127.0.0.1:8001/ | grep -F 'kong stand-in (admin)'
  gateway=$(podman inspect "$container" | jq --raw-output '.[0].NetworkSettings.Networks[].Gateway')
  patient_curl "http://$gateway:80/" | grep -F 'kong stand-in (proxy)'
  not curl --silent --noproxy '*' --max-time 2 "http://$gateway:8001/"
}

# podman-compose waits for the end of the migrations, not for their success: it starts Kong, which must end by
# itself. Without restarts, each of the two fails once.
@test "with PostgreSQL and a wrong password: the migrations fail, and nginx does not start" {
  copy_with_secrets "$image_with_psql"
  sed -i 's/restart: .*/restart: "no"/' "$directory/docker/compose.yaml"
  healthy_database
  printf 'not that one\n' >"$directory/docker/secrets/postgres-password"
  up_with_postgres
  (($(ended_with) != 0))
  [[ $(state migrations Status) == exited && $(state migrations ExitCode) != 0 ]]
  podman logs "${project}_migrations_1" >"$directory/migrations.log" 2>&1
  podman logs "$container" >"$directory/kong.log" 2>&1
  grep -F 'password authentication failed for user "kong"' "$directory/migrations.log"
  grep -F 'password authentication failed for user "kong"' "$directory/kong.log"
  not grep -F 'Bootstrapping' "$directory/migrations.log"
  not in_database 'SELECT key FROM schema_meta'
  not grep --text -F 'start worker process' "$directory/kong.log"
  not curl --silent --noproxy '*' --max-time 2 http://localhost:80/
  not grep --text -F -e 'not that one' "$directory/migrations.log" "$directory/kong.log"
}

# ---- the steps of docker/README.md ----

# The first block of commands, and the command lines of the second, of "One machine".
steps() {
  # shellcheck disable=SC2016 # backquotes of Markdown
  sed -n '/^## One machine$/,/^Without compose/p' "$repository/docker/README.md" | sed -n '/^```sh$/,/^```$/p' | sed '/^```/d'
}

# What a user of Docker calls, with the programs that are here. The image exists already, from the same
# Dockerfile.
docker() {
  case $1 in
    build) podman tag "$image_shipped:latest" localhost/kong-entrypoint ;;
    compose) "$python_tools/bin/podman-compose" --podman-path "$directory/podman" --project-name "$project" "${@:2}" ;;
    *) podman "$@" ;;
  esac
}

patient_curl() {
  command curl --silent --show-error --noproxy '*' --retry 20 --retry-delay 1 --retry-all-errors "$@"
}

@test "the steps of docker/README.md lead to a Kong that answers on ports 80 and 443 of this machine" {
  mkdir -p "$directory/docker"
  cp "$repository/docker"/*.yaml "$directory/docker"
  write_podman
  steps >"$directory/steps"
  cat "$directory/steps"
  (($(grep -c '^curl ' "$directory/steps") == 2))
  cd "$directory"
  curl() { patient_curl "$@"; }
  # shellcheck source=/dev/null
  source "$directory/steps" >"$directory/output"
  container=${project}_kong_1
  cat "$directory/output"
  grep -E '^kong stand-in \(proxy\) at [0-9.]+:80,' "$directory/output"
  grep -E '^kong stand-in \(proxy\) at [0-9.]+:443,' "$directory/output"
  printed=$(podman run --rm --env KONG_PROXY_LISTEN='0.0.0.0:80, 0.0.0.0:443 ssl' \
    --network host kong-entrypoint --dry-run --format docker kong docker-start)
  grep -x -F -e "$printed" "$repository/docker/README.md"
  diff <(podman exec "$container" grep -E '^(Uid|Cap|NoNew)' /proc/1/status) \
    <(grep -E '^(Uid|Cap|NoNew)' "$repository/docker/README.md")
}

@test "a restart of the container is a start like the first one" {
  start_service
  first=$(credentials "$master")
  podman restart --time "$patience" "$container"
  find_master
  serves http://localhost:80/
  [[ $(credentials "$master") == "$first" ]]
}
