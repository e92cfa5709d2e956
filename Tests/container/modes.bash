# shellcheck shell=bash
# Loaded by modes_*.bats: how nginx gets cap_net_bind_service, or why it cannot, in each situation that an
# engine can make: at the first start, at the second, and for `kong reload`, which ends with `nginx -t` like
# `kong prepare`. Each test of port 80 writes a row of the table in docker/MODES.md; the last test of a file
# compares the rows.

# shellcheck source-path=SCRIPTDIR source=container.bash disable=SC2016,SC2030,SC2031,SC2034,SC2154
source "$(dirname "${BASH_SOURCE[0]}")/container.bash"

# One per file of tests, for its rows.
table=$engine_directory/$(basename "$BATS_TEST_FILENAME" .bats).md
listen=(--env KONG_PROXY_LISTEN=0.0.0.0:80)
# What must be writable for Kong if the root file system is not.
read_only=(--read-only --tmpfs "$prefix:rw,mode=1777" --tmpfs /tmp)

setup_file() {
  : >"$table"
}

# row START SITUATION WAY PREPARE OUTCOME RELOAD
row() {
  printf '| %s | %s | %s | %s | %s | %s |\n' "$@" >>"$table"
}

# grants START SITUATION WAY OPTION...: nginx serves port 80 with exactly what the plan says, again after a
# stop and a start, and after `kong reload`. Its credentials become the row.
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

# starts_again PORT: after a clean stop, with everything that the first start left.
starts_again() {
  podman stop --time "$patience" "$container" >/dev/null
  podman start "$container" >/dev/null
  find_master
  serves "http://localhost:$1/"
  has_predicted_credentials
  is_healthy
}

# The image's HEALTHCHECK.
is_healthy() {
  podman exec "$container" /usr/local/bin/entrypoint --health
}

# reload PORT: with `docker exec`, as the container's own user. Leaves its exit status and output.
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

# explains START SITUATION WHY OPTION...: start and dry run end with 77 beforehand, and say why, with each way
# out.
explains() {
  local start=$1 situation=$2 why=$3 dry=0
  shift 3
  finish "${listen[@]}" "$@"
  podman run --rm "${listen[@]}" "$@" "$image" --dry-run kong docker-start >"$directory/dry" 2>&1 || dry=$?
  # A terminal has one stream, and its own line ends.
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

# A user namespace, with a terminal: podman's pipes belong to a user from outside, and nobody in the namespace
# can change that.
user_namespace=(--uidmap 0:200000:65536 --gidmap 0:200000:65536 --tty)

# are_documented START: the rows of this file's tests are those of docker/MODES.md that begin so.
are_documented() {
  diff <(sed -n '/<!-- modes -->/,/<!-- end of modes -->/p' "$repository/docker/MODES.md" | grep "^| $1 |") "$table"
}

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
