#!/usr/bin/env bats
# What Kong 1.x's docker-entrypoint.sh did (1.2.2, and the version that collected capabilities for one
# setcap), item by item, in an image that starts as root. Where a test says "unlike", docker/MIGRATION.md
# gives the reason.

# shellcheck source-path=SCRIPTDIR source=container.bash disable=SC2016,SC2030,SC2031
source "${BATS_TEST_DIRNAME}/container.bash"

prepared_with() {
  argv "$(root_of_container)$prefix/stand-in.argv" "$@"
}

@test "1.x: started as root, kong docker-start ends as nginx with the ids, groups and HOME of su-exec kong" {
  start_recorded
  serves http://localhost:8000/
  [[ $(status_of "$master" Uid) == '1337 1337 1337 1337' && $(status_of "$master" Gid) == '0 0 0 0' ]]
  [[ $(status_of "$master" Groups) == '0 ' ]]
  [[ $(changes_in_environment) == $'+HOME=/home/kong\n+KONG_NGINX_DAEMON=off\n-HOME=/root' ]]
  argv "/proc/$master/cmdline" "$nginx" -p "$prefix" -c nginx.conf
}

@test "1.x: started as another user, it continues as that user" {
  start_recorded --user 1000650000:0
  serves http://localhost:8000/
  [[ $(status_of "$master" Uid) == '1000650000 1000650000 1000650000 1000650000' ]]
  [[ $(changes_in_environment) == '+KONG_NGINX_DAEMON=off' ]]
}

@test "1.x: KONG_NGINX_DAEMON is off if unset or empty; unlike 1.x, a value stays" {
  passes_on_daemon
}

@test "1.x: docker-start ARGS becomes kong prepare -p PREFIX ARGS, unlike 1.x with setcap collected, which lost them" {
  start -- kong docker-start --vv 'two words' ''
  serves http://localhost:8000/
  prepared_with prepare -p "$prefix" --vv 'two words' ''
}

@test "1.x: PREFIX is KONG_PREFIX, and /usr/local/kong if that is unset or empty" {
  start_recorded --env KONG_PREFIX=
  serves http://localhost:8000/
  argv "/proc/$master/cmdline" "$nginx" -p "$prefix" -c nginx.conf
  prepared_with prepare -p "$prefix"
  remove
  start_recorded --tmpfs /srv/kong:mode=755 --env KONG_PREFIX=/srv/kong
  eventually test -s "$(root_of_container)/srv/kong/pids/nginx.pid"
  argv "/proc/$master/cmdline" "$nginx" -p /srv/kong -c nginx.conf
}

@test "1.x: kong can open /dev/stdout and /dev/stderr; unlike 1.x, they belong to kong and nobody else can" {
  start_with_streams 600 --env KONG_PROXY_ACCESS_LOG=/dev/stdout --env KONG_PROXY_ERROR_LOG=/dev/stderr
  serves http://localhost:8000/
  eventually logged 'GET / HTTP/1.1" 200'
  local stream
  for stream in 1 2; do
    [[ $(stat --dereference --format '%u %a' "/proc/$master/fd/$stream") == '1337 600' ]]
  done
}

@test "1.2.2: streams that cannot be given to kong do not end the start, unlike 1.x with setcap collected" {
  # In a user namespace podman's pipes belong to a user from outside, and only that user can open them.
  start --uidmap 0:200000:65536 --gidmap 0:200000:65536 --env STAND_IN_LOGS=files --env ENTRYPOINT_LOG_LINKS=off \
    --entrypoint /bin/sh -- -c 'until [ "$(stat --dereference --format %a /dev/stderr)" = 600 ]; do sleep 0.02; done
      exec /usr/local/bin/entrypoint kong docker-start'
  chmod 600 "/proc/$master/fd/1" "/proc/$master/fd/2"
  serves http://localhost:8000/
  statements | grep 'entrypoint: warn' | grep stdout
}

@test "1.x: SET_CAP_NET_RAW, whatever its text, grants cap_net_raw; unlike 1.x, off, no, false and 0 do not" {
  local value
  for value in 1 yes; do
    start --cap-add NET_RAW --env SET_CAP_NET_RAW=$value
    serves http://localhost:8000/
    has_ambient cap_net_raw
    remove
  done
  start --cap-add NET_RAW --env SET_CAP_NET_RAW=off
  serves http://localhost:8000/
  nginx_is_granted ''
}

@test "1.x: a transparent listener of stream, proxy or admin grants cap_net_raw" {
  local listen
  for listen in KONG_STREAM_LISTEN='127.0.0.1:9000, 127.0.0.1:9001 reuseport transparent' \
    KONG_PROXY_LISTEN='0.0.0.0:8000 transparent' KONG_ADMIN_LISTEN='127.0.0.1:8001  transparent backlog=5'; do
    start --cap-add NET_RAW --env STAND_IN_KONG=1.3.0 --env "$listen"
    serves http://localhost:8000/
    has_ambient cap_net_raw
    remove
  done
}

@test "1.x with setcap collected: SET_CAP_NET_BIND_SERVICE, too; both ambient, as the file gets only that one" {
  start --cap-add NET_RAW --env SET_CAP_NET_BIND_SERVICE=1 --env SET_CAP_NET_RAW=1
  serves http://localhost:8000/
  has_ambient cap_net_bind_service cap_net_raw
}

@test "1.x: without a need nginx's file is not written" {
  start --cap-add NET_RAW
  serves http://localhost:8000/
  nginx_is_granted ''
}

@test "1.x: the prefix and everything in it becomes kong:0; unlike 1.2.2, the one of KONG_PREFIX" {
  install -d -o 0 -g 4242 -m 755 "$directory/prefix" "$directory/prefix/sub"
  : >"$directory/prefix/sub/file"
  start --volume "$directory/prefix:/srv/kong" --env KONG_PREFIX=/srv/kong
  eventually test -s "$directory/prefix/pids/nginx.pid"
  [[ -z $(find "$directory/prefix" ! \( -uid 1337 -gid 0 \)) ]]
}

@test "unlike 1.x: KONG_PG_PASSWORD_FILE is read, and log links are made unless ENTRYPOINT_LOG_LINKS=off" {
  printf 'open sesame\n' >"$directory/password"
  start_recorded --volume "$directory/password:/run/password:ro" --env KONG_PG_PASSWORD_FILE=/run/password
  serves http://localhost:8000/
  changes_in_environment | grep -x -- '+KONG_PG_PASSWORD=open sesame'
  changes_in_environment | grep -x -- '-KONG_PG_PASSWORD_FILE=/run/password'
  [[ -L $(root_of_container)$prefix/logs/access.log ]]
  remove
  start --env ENTRYPOINT_LOG_LINKS=off
  serves http://localhost:8000/
  [[ -z $(find "$(root_of_container)$prefix/" -type l) ]]
}

@test "1.x: another command runs unchanged, as root" {
  finish -- sh -c 'id -u; printf "%s\n" "$0" "$@"; cat /proc/$$/cmdline' 'a b' '' c
  ((status == 0))
  printf '0\na b\n\nc\nsh\0-c\0%s\0a b\0\0c\0' \
    'id -u; printf "%s\n" "$0" "$@"; cat /proc/$$/cmdline' | cmp - "$directory/stdout"
}

@test "1.x: kong with another word runs unchanged" {
  finish -- kong migrations list --vv
  ((status == 0))
  [[ $(<"$directory/stdout") == $'migrations\nlist\n--vv' ]]
}

@test "1.x: the status of a failed kong prepare is the container's" {
  finish --env STAND_IN_PREPARE=exit:5
  ((status == 5))
}
