#!/usr/bin/env bats
# Commands other than `kong docker-start`: Kong's run as kong, all others run unchanged.

# shellcheck source-path=SCRIPTDIR source=container.bash
source "${BATS_TEST_DIRNAME}/container.bash"

# A container can have bytes that are not UTF-8 and names that no shell makes, but an engine's command line
# cannot. The script runs before the start, in the container.
# shellcheck disable=SC2016 # for the shell in the container
odd_words='
  set -- env "ODD=$(printf "\377\376\200 end")" "we.ird-name=$(printf "a\nb\tc=d")" "EMPTY=" "SECRET=open sesame"
'

# without_daemon FILE: its variables in order, without the one that entrypoint sets.
without_daemon() {
  grep --null-data --text --invert-match '^KONG_NGINX_DAEMON=' "$1"
}

@test "another command gets its arguments byte for byte, including invalid UTF-8" {
  # shellcheck disable=SC2016 # for the shell in the container
  finish --entrypoint /bin/sh -- -c \
    'exec /usr/local/bin/entrypoint sh -c "cat /proc/\$\$/cmdline" "$(printf "\377\376")" "" "a b" "$(printf "x\ny")" --dry-run'
  ((status == 0))
  printf 'sh\0-c\0cat /proc/$$/cmdline\0\377\376\0\0a b\0x\ny\0--dry-run\0' >"$directory/expected"
  od --format=c "$directory/stdout"
  cmp "$directory/expected" "$directory/stdout"
}

@test "another command gets its environment byte for byte, and KONG_NGINX_DAEMON=off" {
  finish --entrypoint /bin/sh -- -c "$odd_words"'
    "$@" cat /proc/self/environ >/tmp/given
    exec "$@" /usr/local/bin/entrypoint cat /proc/self/environ'
  ((status == 0))
  od --format=c "$directory/stdout"
  cmp <(without_daemon "$directory/stdout") "$(root_of_ended)/tmp/given"
  grep --null-data --text --line-regexp KONG_NGINX_DAEMON=off "$directory/stdout"
}

@test "a KONG_NGINX_DAEMON that is set is not changed" {
  finish --env KONG_NGINX_DAEMON=on -- printenv KONG_NGINX_DAEMON
  ((status == 0))
  [[ $(<"$directory/stdout") == on ]]
}

@test "another command keeps the user and the capabilities of the container" {
  finish -- cat /proc/self/status
  ((status == 0))
  cp "$directory/stdout" "$directory/with"
  remove
  finish --entrypoint cat -- /proc/self/status
  diff <(grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs)' "$directory/with") \
    <(grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs)' "$directory/stdout")
}

@test "another command is the container's first process" {
  # shellcheck disable=SC2016 # for the shell in the container
  finish -- sh -c 'echo $$'
  [[ $(<"$directory/stdout") == 1 ]]
}

@test "other kong commands run as kong if root starts them, and as root only with --user root" {
  finish -- kong version
  cat "$directory/stderr"
  ((status == 0))
  [[ $(<"$directory/stdout") == 'stand-in for Kong 3.9' ]]
  remove
  for options in '' '--user root'; do
    # shellcheck disable=SC2086 # several words, or none
    finish -- $options -- kong prepare -p "$prefix"
    ((status == 0))
    status_in "$(root_of_ended)$prefix/stand-in.status" Uid >>"$directory/users"
    remove
  done
  diff <(printf '%s\n' '1337 1337 1337 1337' '0 0 0 0') "$directory/users"
}

# status_in FILE FIELD
status_in() {
  sed -n "s/^$2:[[:blank:]]*//p" "$1" | tr '\t' ' '
}

@test "every kong command works in a running container, for root and for kong, whatever nginx's file carries" {
  local mode user before
  : >"$directory/kong.conf"
  for mode in file ambient; do
    start --env KONG_PROXY_LISTEN=0.0.0.0:80 --env ENTRYPOINT_CAP_MODE="$mode" \
      --volume "$directory/kong.conf:/srv/kong.conf:ro"
    serves http://localhost:80/
    for user in root kong; do
      for command in version 'check /srv/kong.conf' health 'migrations list'; do
        printf -- '---- %s, %s: kong %s\n' "$mode" "$user" "$command"
        # shellcheck disable=SC2086 # several words
        podman exec --user "$user" "$container" entrypoint kong $command
      done
      before=$(worker)
      if [[ $mode == ambient && $user == kong ]]; then
        # This user cannot get the capability from anywhere.
        not podman exec --user kong "$container" entrypoint kong reload >"$directory/said" 2>&1
        grep -F 'way out: run it as root: docker exec --user 0 CONTAINER entrypoint kong reload' "$directory/said"
        podman exec --user kong "$container" entrypoint --dry-run kong reload >/dev/null || (($? == 77))
      else
        podman exec --user "$user" "$container" entrypoint kong reload
        eventually test ! -e "/proc/$before"
      fi
      serves http://localhost:80/
    done
    # It ends process 1, and with it everything that was exec'd in the container.
    podman exec "$container" entrypoint kong quit || (($? == 137))
    eventually test ! -e "/proc/$master"
    remove
  done
}

@test "the command after -- may look like an option" {
  finish -- -- -x
  cat "$directory/stderr"
  ((status == 127))
  grep -e '-x' "$directory/stderr"
}

@test "nothing is printed for another command" {
  finish -- true
  ((status == 0))
  [[ ! -s $directory/stdout && ! -s $directory/stderr ]]
}

@test "the exit status of a command is the container's" {
  finish -- sh -c 'exit 7'
  ((status == 7))
}

@test "a command that is not found ends with 127, and the message names it" {
  finish -- no-such-command
  cat "$directory/stderr"
  ((status == 127))
  grep 'entrypoint: error: .*no-such-command' "$directory/stderr"
}

@test "a command that cannot be executed ends with 126, and the message names it" {
  finish -- /etc/passwd
  cat "$directory/stderr"
  ((status == 126))
  grep 'entrypoint: error: .*/etc/passwd' "$directory/stderr"
}

@test "--user runs any command as that user, by name and by number" {
  finish -- --user kong id
  cat "$directory/stderr"
  ((status == 0))
  [[ $(<"$directory/stdout") == 'uid=1337(kong) gid=0(root) groups=0(root)' ]]
  remove
  finish -- --user 4242:4343 id
  ((status == 0))
  [[ $(<"$directory/stdout") == 'uid=4242 gid=4343 groups=4343' ]]
}
