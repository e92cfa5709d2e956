#!/usr/bin/env bats
# Sockets that a crash left in the prefix: removed if nobody listens, kept if somebody does.

# shellcheck source-path=SCRIPTDIR source=container.bash disable=SC2030,SC2031
source "${BATS_TEST_DIRNAME}/container.bash"

# planted_socket FILE...: one that an nginx of kong's left, in the prefix that `volume` mounts. Everybody may
# connect to it, as to each socket that nginx makes.
planted_socket() {
  local file
  for file in "$@"; do
    (cd "$directory/prefix/$(dirname "$file")" &&
      python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$(basename "$file")" &&
      chmod 666 "$(basename "$file")" && chown 1337:0 "$(basename "$file")")
  done
}

# A prefix of kong's on a volume.
prefix_on_volume() {
  install -d -o 1337 -g 0 -m 775 "$directory/prefix" "$directory/prefix/sockets" "$directory/prefix/deeper"
  volume=(--volume "$directory/prefix:$prefix")
}

# said_once: exactly one message names the prefix and mentions sockets.
said_once() {
  statements
  (($(statements | grep -F "$prefix" | grep -c -i socket) == 1))
}

@test "after a crash that left Kong's sockets, the same container starts again, with one warning" {
  for image in "$image" "$image_user_kong"; do
    start
    serves http://localhost:8000/
    kill -s KILL "$master"
    ended_with
    podman start "$container"
    find_master
    serves http://localhost:8000/
    said_once
    remove
  done
}

# is_held: whether the hook waits.
is_held() {
  [[ -e $directory/srv/held ]]
}

# is_healthy USER: what `kong health` says to that user.
is_healthy() {
  podman exec --user "$1" "$container" kong health
}

@test "after a SIGKILL and a restart, kong health fails until nginx listens, and the pid file is gone" {
  mkdir -m 777 "$directory/srv"
  mkdir "$directory/hooks"
  printf '%s\n' '#!/bin/sh' '[ ! -e /srv/hold ] || : >/srv/held' \
    'while [ -e /srv/hold ]; do sleep 0.05; done' >"$directory/hooks/1-wait"
  chmod 755 "$directory/hooks/1-wait"
  local user
  for image in "$image" "$image_user_kong"; do
    rm -f "$directory/srv/held"
    start --volume "$directory/srv:/srv" --volume "$directory/hooks:/docker-entrypoint.d:ro"
    serves http://localhost:8000/
    for user in root kong; do is_healthy "$user"; done
    kill -s KILL "$master"
    ended_with
    : >"$directory/srv/hold"
    podman start "$container"
    find_master
    eventually is_held
    [[ ! -e $(root_of_container)$prefix/pids/nginx.pid ]]
    for user in root kong; do not is_healthy "$user"; done
    rm "$directory/srv/hold"
    serves http://localhost:8000/
    for user in root kong; do is_healthy "$user"; done
    (($(statements | grep -c -F "$prefix/pids/nginx.pid: it named process 1, which") == 1))
    remove
  done
}

@test "stale sockets in the prefix and its sockets/ are removed, and one warning names the prefix" {
  prefix_on_volume
  planted_socket worker_events.sock stream.sock sockets/we sockets/$'odd\n\377'
  start "${volume[@]}"
  serves http://localhost:8000/
  [[ ! -e $directory/prefix/worker_events.sock && ! -e $directory/prefix/stream.sock ]]
  [[ $(cd "$directory/prefix/sockets" && echo *) == we ]] # nginx's own, of this start
  said_once
}

@test "a prefix without sockets causes no warning" {
  prefix_on_volume
  start "${volume[@]}"
  serves http://localhost:8000/
  not logged 'entrypoint: warn'
}

@test "only sockets are removed: files, fifos, links to sockets and deeper sockets stay" {
  prefix_on_volume
  : >"$directory/prefix/file.sock"
  mkfifo "$directory/prefix/fifo.sock"
  mkdir "$directory/prefix/directory.sock"
  planted_socket ../outside deeper/inner
  ln -s ../../outside "$directory/prefix/sockets/link"
  start "${volume[@]}" --volume "$directory/outside:/usr/local/outside"
  serves http://localhost:8000/
  [[ -f $directory/prefix/file.sock && -p $directory/prefix/fifo.sock && -d $directory/prefix/directory.sock ]]
  [[ -L $directory/prefix/sockets/link && -S $directory/outside && -S $directory/prefix/deeper/inner ]]
}

@test "a sockets/ that is a link is not followed: no socket behind it is removed" {
  prefix_on_volume
  mkdir "$directory/others"
  planted_socket ../others/we.sock
  rmdir "$directory/prefix/sockets"
  ln -s /srv/others "$directory/prefix/sockets"
  chown 1337 "$directory/others"
  finish "${volume[@]}" --volume "$directory/others:/srv/others" --env KONG_PROXY_LISTEN=off --timeout 3
  [[ -S $directory/others/we.sock ]]
}

@test "a socket that another Kong answers on stays, with a warning: two Kongs share a prefix" {
  prefix_on_volume
  start "${volume[@]}"
  serves http://localhost:8000/
  local first=$container first_master=$master inode
  inode=$(stat --format %i "$directory/prefix/sockets/we")
  finish "${volume[@]}"
  ((status == 1)) # nginx's own: the address is in use
  statements | grep -F 'entrypoint: warn' | grep -F "$prefix"
  [[ $(stat --format %i "$directory/prefix/sockets/we") == "$inode" ]]
  remove
  container=$first master=$first_master
  serves http://localhost:8000/
}

@test "a listener with a full queue is a listener: its socket stays, and nothing waits for it" {
  prefix_on_volume
  python3 - "$directory/prefix" <<'PYTHON' 3>&- &
import os, socket, sys, time
os.chdir(sys.argv[1])
listener = socket.socket(socket.AF_UNIX)
listener.bind("busy.sock")
listener.listen(0)
callers = []
try:
    while True:
        caller = socket.socket(socket.AF_UNIX)
        caller.setblocking(False)
        caller.connect("busy.sock")
        callers.append(caller)
except BlockingIOError:
    open("full", "w").close()
time.sleep(60)
PYTHON
  local listener=$!
  eventually test -e "$directory/prefix/full"
  start "${volume[@]}"
  serves http://localhost:8000/
  [[ -S $directory/prefix/busy.sock ]]
  statements | grep -F 'entrypoint: warn' | grep -F "$prefix"
  kill "$listener"
}
