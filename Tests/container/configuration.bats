#!/usr/bin/env bats
# A wrong configuration ends the start with the right exit status and a helpful message.

# shellcheck source-path=SCRIPTDIR source=container.bash
source "${BATS_TEST_DIRNAME}/container.bash"

@test "an image without the user kong ends with 78, and the ways out are --user and /etc/passwd" {
  podman run --rm --entrypoint cat "$image" /etc/passwd | grep -v '^kong:' >"$directory/passwd"
  finish --volume "$directory/passwd:/etc/passwd:ro"
  ((status == 78))
  says_error kong /etc/passwd --user
}

@test "an ENTRYPOINT_USER that does not exist ends with 78" {
  finish --env ENTRYPOINT_USER=nobody-of-that-name
  ((status == 78))
  says_error nobody-of-that-name /etc/passwd
}

@test "an image without nginx ends with 127, and the message names the path" {
  finish --entrypoint /bin/sh -- -c "rm $nginx && exec /usr/local/bin/entrypoint kong docker-start"
  ((status == 127))
  cat "$directory/stderr"
  grep "entrypoint: error: .*$nginx" "$directory/stderr"
}

@test "an nginx that nobody may execute ends with 126" {
  finish --entrypoint /bin/sh -- -c "chmod a-x $nginx && exec /usr/local/bin/entrypoint kong docker-start"
  ((status == 126))
  cat "$directory/stderr"
  grep "entrypoint: error: .*$nginx" "$directory/stderr"
}

@test "an ENTRYPOINT_PROXY that does not exist ends with 127, and the message names it" {
  finish --env ENTRYPOINT_PROXY=/opt/nginx/sbin/nginx
  ((status == 127))
  cat "$directory/stderr"
  grep 'entrypoint: error: .*/opt/nginx/sbin/nginx' "$directory/stderr"
}

@test "a listener without a port ends with 78: the message names variable, entry and the expected form" {
  finish --env KONG_PROXY_LISTEN='0.0.0.0:80, 10.1.2.3 ssl'
  ((status == 78))
  says_error KONG_PROXY_LISTEN '10.1.2.3 ssl' port
}

@test "an invalid port ends with 78" {
  finish --env KONG_ADMIN_LISTEN='127.0.0.1:70000'
  ((status == 78))
  says_error KONG_ADMIN_LISTEN 127.0.0.1:70000 65535
}

@test "an unknown flag of a listener ends with 78" {
  finish --env KONG_STREAM_LISTEN='127.0.0.1:9000 ssssl'
  ((status == 78))
  says_error KONG_STREAM_LISTEN ssssl
}

@test "a listener of a setting that this Kong does not have is ignored, as Kong ignores it" {
  start --env KONG_BRAND_NEW_LISTEN='nonsense'
  serves http://localhost:8000/
}

@test "SET_CAP_FOO=1 ends with 78: there is no such capability" {
  finish --env SET_CAP_FOO=1
  ((status == 78))
  says_error SET_CAP_FOO
}

@test "an empty SET_CAP_FOO counts as unset" {
  start --env SET_CAP_FOO=
  serves http://localhost:8000/
  runs_as_kong_with none
  has_predicted_credentials
}

@test "--cap foo ends with 78, too" {
  finish -- --cap foo kong docker-start
  ((status == 78))
  says_error foo
}

@test "a wrong option ends with 64" {
  finish -- --no-such-option kong docker-start
  cat "$directory/stderr"
  ((status == 64))
  grep -F -- --no-such-option "$directory/stderr"
}

@test "the dry run of a wrong configuration ends with the status of the start" {
  finish --env KONG_PROXY_LISTEN=nonsense -- --dry-run kong docker-start
  cat "$directory/stdout" "$directory/stderr"
  ((status == 78))
  cat "$directory/stdout" "$directory/stderr" | grep KONG_PROXY_LISTEN
}
