# shellcheck shell=bash
# shellcheck disable=SC2154 # what run sets
# Sourced: containers from a root directory in which a Kong is installed. The directory is only read: each
# container has an overlay over it. Where Docker and podman differ, these containers are like Docker's: a user
# other than root has the container's capabilities permitted until the exec (runc(8)).
#
# image.bash has the same functions with the same flags, those of `docker run`.

readonly docker_capabilities=(chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service
  net_raw sys_chroot mknod audit_write setfcap)

capsh=$(command -v capsh)
count=0

# open_target DIRECTORY
# shellcheck disable=SC2034 # name and must_give are run's
open_target() {
  image=$(realpath "$1")
  name=${image##*/}
  gives_while_no_new_privs=1
}

# derive OWNER: from here on nginx and Kong belong to that user, as in some images.
derive() {
  local layer=$work/owned-by-$1
  create
  chroot "$container/root" chown -R "$1" "${owned[@]}"
  umount "$container/root"
  mv "$container/upper" "$layer"
  image=$layer:$image
}

# create: sets `container` to one with `flags`.
create() {
  container=$work/container.$((count += 1))
  mkdir -p "$container"/{upper,work,root,volumes}
  : >"$container/log"
  mount -t overlay -o "lowerdir=$image,upperdir=$container/upper,workdir=$container/work" overlay "$container/root"
}

# understand: sets what `enter` and `contained` need, from `flags`.
understand() {
  local volume
  set -- "${flags[@]}"
  account=root root_is=writable first_free=1024 network=(--net) no_new_privs=()
  capabilities=("${docker_capabilities[@]}") environment=() volumes=()
  while (($# > 0)); do
    case "$1 ${2-}" in
      --read-only*) root_is=read-only && shift && continue ;;
      --user\ *) account=$2 ;;
      '--cap-drop ALL') capabilities=() ;;
      --cap-add\ *) capabilities+=("${2,,}") ;;
      '--security-opt no-new-privileges') no_new_privs=(--no-new-privs) ;;
      '--network host') network=() first_free="" ;;
      --network\ none) ;;
      --sysctl\ *) first_free=${2##*=} ;;
      --env\ *) environment+=("$2") ;;
      --tmpfs\ *) volumes+=(":$2") ;;
      --volume\ *:*) volumes+=("$2") ;;
      --volume\ *)
        volume=$container/volumes/${2//\//_}
        [[ -e $volume ]] || cp -a "$container/root$2" "$volume"
        volumes+=("$volume:$2")
        ;;
      *) fail "a container from a directory has no flag '$1 ${2-}'" ;;
    esac
    shift 2
  done
}

# Engines look a user up in the container's own files.
find_account() {
  local etc=$container/root/etc
  IFS=: read -r account _ uid gid _ home _ < <(awk -F: -v user="$account" '$1 == user || $3 == user' "$etc/passwd") ||
    fail "$name has no user $account"
  groups=$(awk -F: -v user="$account" -v gid="$gid" \
    '$3 != gid && ("," $4 ",") ~ ("," user ",") { printf ",%s", $3 }' "$etc/group")
}

# enter: sets `entering`, a command that becomes entrypoint as the user, with everything that an engine sets.
enter() {
  local -a as dropped
  local all held
  understand
  find_account
  all=$("$capsh" --decode="$(printf '%x' "$(((2 << $(</proc/sys/kernel/cap_last_cap)) - 1))")")
  mapfile -t dropped < <(comm -23 <(tr , '\n' <<<"${all#*=}" | sort) \
    <(((${#capabilities[@]} == 0)) || printf 'cap_%s\n' "${capabilities[@]}" | sort))
  as=(--groups="$gid$groups" --gid="$gid")
  if ((uid != 0)); then
    held=$(IFS=, && printf '%s' "${capabilities[*]/#/cap_}")
    as+=(--keep=1 --uid="$uid" --caps="${held:+$held=p}")
  fi
  entering=(env -i PATH=/usr/local/openresty/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    HOME="$home" "${environment[@]}" "$capsh" --quiet --drop="$(IFS=, && printf '%s' "${dropped[*]}")"
    --chroot="$container/root" "${as[@]}" "${no_new_privs[@]}" --shell=/usr/local/bin/entrypoint --)
}

# contained WORD...: becomes entrypoint with these arguments, as the first process of a container. So it needs
# a process of its own.
contained() {
  exec env --default-signal=INT,QUIT unshare --mount "${network[@]}" --pid --fork --kill-child \
    "$here/contain" "$container/root" "$root_is" "$first_free" "${volumes[@]}" -- "${entering[@]}" "$@"
}

# start: sets `master` to the number of the container's first process, or to 0 if it has ended.
start() {
  local out err
  enter
  # Pipes, because an engine uses pipes. They belong to this shell, so that the container has no child more.
  exec {out}> >(exec cat >>"$container/log") {err}> >(exec cat >>"$container/log")
  give_pipes 1>&"$out" 2>&"$err"
  contained kong docker-start </dev/null 1>&"$out" 2>&"$err" {out}>&- {err}>&- &
  launcher=$! master=0
  exec {out}>&- {err}>&-
  until [[ $(cat "/proc/$master/comm" 2>/dev/null) == @(entrypoint|nginx) ]] || is_reaped "$launcher"; do
    read -r master _ 2>/dev/null <"/proc/$launcher/task/$launcher/children" || true
    sleep 0.01
  done
}

# give_pipes: gives its outputs to the container's user, as runc does.
give_pipes() {
  [[ ! -p /dev/fd/1 ]] || chown "$uid" /dev/fd/1
  [[ ! -p /dev/fd/2 ]] || chown "$uid" /dev/fd/2
}

# is_reaped PROCESS: or this shell is about to reap it and has nothing else to do.
is_reaped() {
  local state
  # It may vanish at any moment, and a failed `$(<...)` would end this shell.
  state=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
  [[ $state == *') Z '* ]]
}

# ended: waits for the end of the container without output. Sets `status`.
ended() {
  status=0
  wait "$launcher" 2>/dev/null || status=$?
}

# once WORD...: runs entrypoint with these arguments in a new container.
once() {
  local status=0
  create
  enter
  (contained "$@" </dev/null) || status=$?
  remove
  return "$status"
}

# inside WORD...: runs entrypoint with these arguments in the running container, like `docker exec`.
inside() {
  local -a join=(nsenter --target "$master" --mount --pid)
  ((${#network[@]} == 0)) || join+=(--net)
  give_pipes
  "${join[@]}" -- "${entering[@]}" "$@" </dev/null
}

logs() {
  cat "$container/log"
}

remove() {
  umount "$container/root"
  rm -rf "$container"
}
