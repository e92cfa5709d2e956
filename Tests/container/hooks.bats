#!/usr/bin/env bats
# /docker-entrypoint.d: which files run before `kong prepare`, as which user, in which order, and which are
# rejected.

# shellcheck source-path=SCRIPTDIR source=container.bash disable=SC2016,SC2030,SC2031
source "${BATS_TEST_DIRNAME}/container.bash"

# hook NAME LINE...: makes a shell script in the directory of hooks, which `hooks` mounts. Its mode is $mode.
mode=755
hook() {
  mkdir -p "$directory/hooks"
  hooks=(--volume "$directory/hooks:/docker-entrypoint.d:ro")
  printf '%s\n' '#!/bin/sh' "${@:2}" >"$directory/hooks/$1"
  chmod "$mode" "$directory/hooks/$1"
}

# What hooks have written to the prefix of the running container.
written() {
  cat "$(root_of_container)$prefix/$1"
}

@test "hooks run in the order of sort -V, 9-a before 10-b, also with odd names" {
  local name
  for name in 10-b 9-a 9-b 1.10 1.9 '0 blank' $'0\nline' $'0\377' 20-z.sh b.sh a.sh; do
    hook "$name" 'printf "%s\0" "$0" >>/usr/local/kong/order'
  done
  start "${hooks[@]}"
  serves http://localhost:8000/
  (cd "$directory/hooks" && printf '/docker-entrypoint.d/%s\0' *) | LC_ALL=C sort -z -V >"$directory/expected"
  written order | cat --show-nonprinting
  cmp "$directory/expected" <(written order)
}

@test "a hook runs as kong, without any capability, and under no_new_privs" {
  hook 1-who 'cat /proc/$$/status >/usr/local/kong/who'
  start "${hooks[@]}" --env KONG_PROXY_LISTEN=0.0.0.0:80
  serves http://localhost:80/
  written who >"$directory/status"
  is_kongs "$directory/status" 0
  grep -E '^NoNewPrivs:[[:blank:]]*1$' "$directory/status"
  runs_as_kong_with cap_net_bind_service
}

@test "a hook runs in a start as kong, too" {
  image=$image_user_kong
  hook 1-who 'id >/usr/local/kong/who'
  start "${hooks[@]}"
  serves http://localhost:8000/
  [[ $(written who) == uid=1337* ]]
}

@test "a hook has the environment of kong prepare: HOME, KONG_NGINX_DAEMON, and the secrets" {
  printf 'open sesame\n' >"$directory/password"
  hook 1-environment 'cat /proc/$$/environ >/usr/local/kong/given'
  start "${hooks[@]}" --volume "$directory/password:/run/password:ro" --env KONG_PG_PASSWORD_FILE=/run/password
  serves http://localhost:8000/
  cmp <(written given | sort -z) <(written stand-in.environ | sort -z)
  [[ $(variable "$(root_of_container)$prefix/given" KONG_PG_PASSWORD) == 'open sesame' ]]
}

@test "a hook runs before kong prepare, in a prefix that already belongs to kong" {
  install -d -o 0 -g 0 -m 755 "$directory/prefix"
  hook 1-early 'test ! -e "$KONG_PREFIX/stand-in.argv" && : >"$KONG_PREFIX/early"'
  start "${hooks[@]}" --volume "$directory/prefix:$prefix" --env KONG_PREFIX="$prefix"
  serves http://localhost:8000/
  [[ $(owner "$directory/prefix/early") == 1337:0 ]]
}

@test "the output of a hook reaches the container's streams unchanged" {
  hook 1-say 'echo on stdout' 'printf "on stderr \377\n" >&2'
  finish "${hooks[@]}" "${no_further[@]}"
  ((status == 9))
  grep -x 'on stdout' "$directory/stdout"
  grep --text -x "on stderr "$'\377' "$directory/stderr"
}

@test "a hook that fails ends the start with its status: no later hook runs, and no kong prepare" {
  hook 1-good 'exit 0'
  hook 2-bad 'exit 42'
  hook 3-late 'echo late'
  finish "${hooks[@]}"
  ((status == 42))
  says_error /docker-entrypoint.d/2-bad 42
  not grep -x late "$directory/stdout"
  [[ ! -e $(root_of_ended)$prefix/stand-in.argv ]]
}

@test "a hook that a signal ends gives 128 + signal" {
  hook 1-killed 'kill -s KILL $$'
  finish "${hooks[@]}"
  ((status == 128 + 9))
  says_error /docker-entrypoint.d/1-killed
}

@test "a hook with a missing interpreter ends the start, and the message names it" {
  hook 1-lost
  printf '#!/no/such/interpreter\n' >"$directory/hooks/1-lost"
  finish "${hooks[@]}" "${no_further[@]}"
  ((status == 126 || status == 127))
  says_error /docker-entrypoint.d/1-lost
  (($(statements | grep -c -F error) == 1))
}

@test "a hook that kong cannot execute ends the start with 126, and the dry run, too" {
  mode=700 hook 1-secret 'exit 0'
  finish "${hooks[@]}" -- --dry-run kong docker-start
  ((status == 126))
  grep -F 'uid 1337 cannot execute it' "$directory/stdout"
  remove
  finish "${hooks[@]}" "${no_further[@]}"
  ((status == 126))
  says_error /docker-entrypoint.d/1-secret
}

@test "a file that is not executable is reported and skipped, and a directory does no harm" {
  hook 1-runs ': >/usr/local/kong/ran'
  mode=644 hook 2-readme 'exit 1'
  mkdir "$directory/hooks/3-directory"
  start "${hooks[@]}"
  serves http://localhost:8000/
  statements | grep -F /docker-entrypoint.d/2-readme
  [[ -e $(root_of_container)$prefix/ran ]]
}

@test ".envsh files are reported once as not supported, and never run" {
  hook 1-one.envsh 'echo ran; exit 1'
  mode=644 hook 2-two.envsh 'echo ran; exit 1'
  start "${hooks[@]}"
  serves http://localhost:8000/
  statements
  (($(statements | grep -c -F .envsh) == 1))
  not logged ran
}

@test "with ENTRYPOINT_HOOKS=off no hook runs, and none is examined" {
  hook 1-bad 'exit 42'
  chmod 777 "$directory/hooks"
  start "${hooks[@]}" --env ENTRYPOINT_HOOKS=off
  serves http://localhost:8000/
  not logged docker-entrypoint.d
}

@test "no hook runs for another command, and none in a dry run" {
  hook 1-bad 'echo ran; exit 42'
  finish "${hooks[@]}" -- kong version
  ((status == 0))
  not grep -x ran "$directory/stdout"
  remove
  finish "${hooks[@]}" -- --dry-run kong docker-start
  cat "$directory/stdout"
  ((status == 0))
  not grep -x ran "$directory/stdout"
  grep -F /docker-entrypoint.d/1-bad "$directory/stdout"
}

# refused_when COMMAND...: after it changed the hooks' file or directory, the start ends with 78. If they are
# mounted read-only, nobody can write them, and the start continues.
refused_when() {
  hook 1-hook 'echo ran'
  "$@"
  finish --volume "$directory/hooks:/docker-entrypoint.d" "${no_further[@]}"
  printf 'after %s: %s\n' "$*" "$status"
  ((status == 78))
  says_error /docker-entrypoint.d
  not grep -x ran "$directory/stdout"
  remove
  finish "${hooks[@]}" "${no_further[@]}"
  grep -x ran "$directory/stdout"
  remove
  rm -r "$directory/hooks"
}

@test "a directory that kong could write to, as owner, by its group 0, or as anybody, ends with 78" {
  refused_when chown 1337 "$directory/hooks"
  refused_when chmod 775 "$directory/hooks"
  refused_when chmod 757 "$directory/hooks"
}

@test "a file that kong could write to, as owner, by its group 0, or as anybody, ends with 78" {
  refused_when chown 1337 "$directory/hooks/1-hook"
  refused_when chmod 775 "$directory/hooks/1-hook"
  refused_when chmod 757 "$directory/hooks/1-hook"
}

@test "in a sticky directory that anybody can write to, a hook of root's runs, and one of kong's ends with 78" {
  hook 1-hook 'echo ran'
  chmod 1777 "$directory/hooks"
  finish "${hooks[@]}" "${no_further[@]}"
  grep -x ran "$directory/stdout"
  remove
  refused_when chown 1337 "$directory/hooks/1-hook"
}

@test "a link to a file that kong could write to ends with 78" {
  hook 1-hook ': >/usr/local/kong/ran'
  ln -s /usr/local/kong/planted "$directory/hooks/2-link"
  mkdir "$directory/prefix"
  printf '#!/bin/sh\n' >"$directory/prefix/planted"
  chmod 755 "$directory/prefix/planted"
  chown 1337:0 "$directory/prefix" "$directory/prefix/planted"
  finish "${hooks[@]}" --volume "$directory/prefix:$prefix" "${no_further[@]}"
  ((status == 78))
  says_error /docker-entrypoint.d/2-link
  [[ ! -e $directory/prefix/ran ]]
}

@test "write permission of another group is no danger from kong" {
  hook 1-hook ': >/usr/local/kong/ran'
  chgrp 4242 "$directory/hooks" "$directory/hooks/1-hook"
  chmod 775 "$directory/hooks" "$directory/hooks/1-hook"
  start "${hooks[@]}"
  serves http://localhost:8000/
  [[ -e $(root_of_container)$prefix/ran ]]
}

@test "hooks that Kubernetes mounts from a ConfigMap, behind two links, run" {
  hook 1-hook ': >/usr/local/kong/ran'
  mkdir "$directory/hooks/..2024"
  mv "$directory/hooks/1-hook" "$directory/hooks/..2024"
  ln -s ..2024 "$directory/hooks/..data"
  ln -s ..data/1-hook "$directory/hooks/1-hook"
  start "${hooks[@]}"
  serves http://localhost:8000/
  [[ -e $(root_of_container)$prefix/ran ]]
}

@test "TERM during a hook ends hook and start with 143, and nothing keeps running" {
  hook 1-waits 'echo $$ >/usr/local/kong/waiting' 'exec sleep infinity'
  start "${hooks[@]}"
  eventually test -s "$(root_of_container)$prefix/waiting"
  (($(processes | wc -l) == 2))
  kill -s TERM "$master"
  (($(ended_with) == 128 + 15))
  [[ ! -e $(root_of_ended)$prefix/stand-in.argv ]]
}
