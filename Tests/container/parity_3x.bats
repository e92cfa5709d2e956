#!/usr/bin/env bats
# What Kong 3.x's docker-entrypoint.sh does, item by item, as the official image starts it: as kong. Where a
# test says "unlike", docker/MIGRATION.md gives the reason.

# shellcheck source-path=SCRIPTDIR source=container.bash disable=SC2030,SC2031
source "${BATS_TEST_DIRNAME}/container.bash"

image_root=$image
image=$image_user_kong

prepared_with() {
  argv "$(root_of_container)$prefix/stand-in.argv" "$@"
}

# A prefix of kong's on a volume, with logs/ in it.
prefix_on_volume() {
  install -d -o 1337 -g 0 -m 775 "$directory/prefix" "$directory/prefix/logs"
  volume=(--volume "$directory/prefix:$prefix")
}

# has_log_links DIRECTORY: the three, and nothing else that a start could have left there.
has_log_links() {
  (cd "$1" && find . ! -name . ! -name openssl.log -printf '%f -> %l %U\n' | sort) | tee "$directory/links"
  diff "$directory/links" - <<LINKS
access.log -> /dev/stdout 1337
admin_access.log -> /dev/stdout 1337
error.log -> /dev/stderr 1337
LINKS
}

@test "3.x: started as kong, nginx runs as kong with the same environment and KONG_NGINX_DAEMON=off" {
  start_recorded
  serves http://localhost:8000/
  [[ $(status_of "$master" Uid) == '1337 1337 1337 1337' && $(status_of "$master" Gid) == '0 0 0 0' ]]
  [[ $(changes_in_environment) == '+KONG_NGINX_DAEMON=off' ]]
  argv "/proc/$master/cmdline" "$nginx" -p "$prefix" -c nginx.conf
}

@test "3.x: KONG_NGINX_DAEMON is off if unset or empty, and a value stays" {
  passes_on_daemon
}

@test "3.x: docker-start ARGS becomes kong prepare -p PREFIX ARGS, unlike 3.x without the two words before" {
  start -- kong docker-start --vv
  serves http://localhost:8000/
  prepared_with prepare -p "$prefix" --vv
}

@test "3.x: PREFIX is KONG_PREFIX, and /usr/local/kong if that is unset or empty" {
  start_recorded --env KONG_PREFIX=
  serves http://localhost:8000/
  argv "/proc/$master/cmdline" "$nginx" -p "$prefix" -c nginx.conf
  remove
  start_recorded --tmpfs /srv/kong:mode=777 --env KONG_PREFIX=/srv/kong
  eventually test -s "$(root_of_container)/srv/kong/pids/nginx.pid"
  argv "/proc/$master/cmdline" "$nginx" -p /srv/kong -c nginx.conf
}

@test "3.x: stdout and stderr stay as the engine made them" {
  finish --entrypoint /usr/bin/stat -- --dereference --format '%u %g %a' /dev/stdout /dev/stderr
  ((status == 0))
  remove
  start
  serves http://localhost:8000/
  diff "$directory/stdout" \
    <(stat --dereference --format '%u %g %a' "/proc/$master/fd/1" "/proc/$master/fd/2")
}

@test "unlike 3.x: SET_CAP_NET_RAW is not ignored, and ends a start that cannot have it with 77" {
  finish "${no_further[@]}" --env SET_CAP_NET_RAW=1
  ((status == 77))
  says_error SET_CAP_NET_RAW
}

@test "3.x: nothing changes its owner" {
  prefix_on_volume
  : >"$directory/prefix/of-root"
  start "${volume[@]}"
  serves http://localhost:8000/
  [[ $(owner "$directory/prefix/of-root") == 0:0 ]]
}

@test "3.x: an option's _FILE becomes the option in the environment of kong prepare and nginx" {
  printf 'open sesame\n\n' >"$directory/password"
  start_recorded --volume "$directory/password:/run/password:ro" --env KONG_PG_PASSWORD_FILE=/run/password \
    --env KONG_PASSWORD_FILE=/run/password --env KONG_ADMIN_LISTEN_FILE= --env KONG_NOT_AN_OPTION_FILE=/absent
  serves http://localhost:8000/
  changes_in_environment | grep -v -e KONG_ADMIN_LISTEN_FILE | tee "$directory/changes"
  diff "$directory/changes" <(printf '%s\n' '+KONG_NGINX_DAEMON=off' '+KONG_PASSWORD=open sesame' \
    '+KONG_PG_PASSWORD=open sesame' '-KONG_PASSWORD_FILE=/run/password' '-KONG_PG_PASSWORD_FILE=/run/password')
}

@test "unlike 3.x: both forms of an option end the start with 78, not 1" {
  finish "${no_further[@]}" --env KONG_PG_PASSWORD=a --env KONG_PG_PASSWORD_FILE=/run/password
  ((status == 78))
  says_error KONG_PG_PASSWORD KONG_PG_PASSWORD_FILE
}

@test "3.x: an option's _FILE can set a listener" {
  printf '0.0.0.0:8100\n' >"$directory/listen"
  start --volume "$directory/listen:/run/listen:ro" --env KONG_PROXY_LISTEN_FILE=/run/listen
  serves http://localhost:8100/
}

@test "3.x: every socket in PREFIX and PREFIX/sockets is removed, with one warning that names PREFIX" {
  prefix_on_volume
  install -d -o 1337 -g 0 "$directory/prefix/sockets"
  local place
  for place in . sockets; do
    (cd "$directory/prefix/$place" && python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("left.sock")' && chown 1337 left.sock)
  done
  start "${volume[@]}"
  serves http://localhost:8000/
  [[ ! -e $directory/prefix/left.sock && ! -e $directory/prefix/sockets/left.sock ]]
  (($(statements | grep 'entrypoint: warn' | grep -c -F "$prefix") == 1))
}

@test "3.x: the logs in PREFIX/logs become links to the container's streams, whatever was there before" {
  prefix_on_volume
  printf 'old\n' >"$directory/prefix/logs/access.log"
  # If kong cannot write to it, kong prepare fails, because its last nginx opens the logs, too.
  printf 'old\n' >"$directory/prefix/moved.log"
  ln -s ../moved.log "$directory/prefix/logs/admin_access.log"
  ln -s ../nowhere.log "$directory/prefix/logs/error.log"
  chown 1337 "$directory/prefix/logs/access.log" "$directory/prefix/moved.log"
  start "${volume[@]}" --env STAND_IN_LOGS=files
  serves http://localhost:8000/
  has_log_links "$directory/prefix/logs"
  podman restart --time "$patience" "$container"
  find_master
  serves http://localhost:8000/
  has_log_links "$directory/prefix/logs"
}

@test "3.x: what Kong writes to its logs is on the container's stdout and stderr, also in a start as root" {
  for image in "$image_user_kong" "$image_root"; do
    start --env STAND_IN_LOGS=files
    serves http://localhost:8000/
    page http://localhost:8000/through-the-proxy
    page http://127.0.0.1:8001/through-admin
    has_log_links "$(root_of_container)$prefix/logs"
    eventually logged 'GET /through-admin'
    podman logs "$container" 2>/dev/null | grep 'GET /through-the-proxy'
    podman logs "$container" 2>/dev/null | grep 'GET /through-admin'
    podman logs "$container" 2>&1 >/dev/null | grep 'start worker process'
    remove
  done
}

@test "unlike 3.x: with ENTRYPOINT_LOG_LINKS=off logs are files" {
  start --env STAND_IN_LOGS=files --env ENTRYPOINT_LOG_LINKS=off
  serves http://localhost:8000/
  [[ -z $(find "$(root_of_container)$prefix/" -type l) ]]
  eventually grep 'GET / ' "$(root_of_container)$prefix/logs/access.log"
  not logged 'GET / '
}

@test "3.x: another command runs unchanged, with its KONG_*_FILE variables" {
  # shellcheck disable=SC2016 # for the shell in the container
  finish --env KONG_PG_PASSWORD_FILE=/absent -- sh -c 'id -u; printf "%s\n" "$KONG_PG_PASSWORD_FILE" "$@"' sh 'a b'
  ((status == 0))
  [[ $(<"$directory/stdout") == $'1337\n/absent\na b' ]]
}

@test "3.x: another command of kong runs with its secrets" {
  printf 'open sesame\n' >"$directory/password"
  finish --volume "$directory/password:/run/password:ro" --env KONG_PG_PASSWORD_FILE=/run/password -- kong environment
  ((status == 0))
  [[ $(variable "$directory/stdout" KONG_PG_PASSWORD) == 'open sesame' ]]
}

@test "3.x: the status of a failed kong prepare is the container's" {
  finish --env STAND_IN_PREPARE=exit:5
  ((status == 5))
}
