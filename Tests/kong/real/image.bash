# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # what run takes, what run sets
# Sourced: containers from images, with docker or podman. The functions are those of directory.bash.

engine=""
derived=""
container=""

# open_target IMAGE
open_target() {
  image=$1 name=$1
  engine=${ENGINE:-$(an_engine)}
  # If the exec of a user's first program keeps these capabilities, no_new_privs does not take them away
  # (podman clears them).
  gives_while_no_new_privs=1
  [[ ${engine##*/} != podman ]] || gives_while_no_new_privs=0
  if ! "$engine" image inspect "$image" >/dev/null 2>&1; then
    "$engine" pull --quiet "$image" >/dev/null || fail "$engine has no image $image, and cannot pull it"
  fi
}

an_engine() {
  local candidate
  for candidate in docker podman; do
    if "$candidate" info >/dev/null 2>&1; then
      printf '%s' "$candidate"
      return
    fi
  done
  fail "neither docker nor podman runs here; install one, or name a root directory with a Kong in it"
}

# derive OWNER: from here on nginx and Kong belong to that user, as in some images.
derive() {
  local owner=$1
  container=$("$engine" create --network none --user root --entrypoint chown "$image" -R "$owner" "${owned[@]}")
  "$engine" start --attach "$container" >/dev/null
  image=$("$engine" commit "$container")
  derived+=" $image"
  remove
}

# create: sets `container` to one with `flags`.
create() {
  container=$("$engine" create "${flags[@]}" --entrypoint /usr/local/bin/entrypoint "$image" kong docker-start)
}

# start: sets `master` to the number of the container's first process, or to 0 if it has ended.
start() {
  "$engine" start "$container" >/dev/null
  master=$("$engine" inspect --format '{{.State.Pid}}' "$container")
}

# ended: waits for the end of the container. Sets `status`.
ended() {
  status=$("$engine" wait "$container")
}

# once WORD...: runs entrypoint with these arguments in a new container.
once() {
  "$engine" run --rm "${flags[@]}" --entrypoint /usr/local/bin/entrypoint "$image" "$@" </dev/null
}

# inside WORD...: runs entrypoint with these arguments in the running container.
inside() {
  "$engine" exec "$container" /usr/local/bin/entrypoint "$@" </dev/null
}

logs() {
  "$engine" logs "$container" 2>&1
}

remove() {
  "$engine" rm --force --volumes "$container" >/dev/null 2>&1 || true
  container=""
}

remove_derived() {
  local layer
  for layer in $derived; do
    "$engine" rmi --force "$layer" >/dev/null 2>&1 || true
  done
}
