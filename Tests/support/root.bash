# shellcheck shell=bash
# Sourced: a root directory of a test's own, on which nothing depends that this machine happens to have:
# hooks, Kong's files, a user kong, who may enter the clone, or how /tmp is mounted.

# The clone's own modes, and those of what is made, do not depend on who started it either.
umask 022

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly repository
readonly hooks=/docker-entrypoint.d
readonly kong_uid=1337
# In the private root only: what a test shares with its outside, and a TMPDIR. It is short, because
# sockets have their paths there, and on a tmpfs: programs and file capabilities count.
readonly private=/.stage

# A /tmp may forbid to run what is in it, and SwiftPM runs what it makes of Package.swift there.
if [[ ${TMPDIR-} != "$private/tmp" ]]; then
  export TMPDIR=$repository/.build/tmp
  mkdir -p "$TMPDIR"
fi

# enter_namespaces COMMAND...: goes on as that, where nothing that it mounts or starts outlives it. A background
# job of a script has INT and QUIT ignored, some services have PIPE; what is started here has not.
enter_namespaces() {
  exec env --default-signal=INT,QUIT,PIPE unshare --mount --net --pid --fork --kill-child "$@"
}

# ---- inside the namespaces ----

# make_private_root DIRECTORY: all that is in the real root, but for what is Kong's. The DIRECTORY, unless
# its name is empty, is $private/work in it, where every user can reach it. It goes with the namespace,
# however that ends.
make_private_root() {
  # pivot_root(2) needs a mount, and a directory in the clone covers nothing that somebody needs.
  local new=$repository/.build/root
  mount -t proc proc /proc
  mkdir -p "$new"
  mount -t tmpfs -o mode=755 tmpfs "$new"
  # Or else the directory with the clone would be bound into itself.
  mount --make-unbindable "$new"
  bind_entries / "$new" "${hooks#/}" "${private#/}" etc
  copy_etc "$new/etc"
  hide "$new" /usr/local kong openresty
  hide "$new" /usr/local/bin kong entrypoint
  mkdir -p "$new$private/work" "$new$private/tmp"
  chmod 1777 "$new$private/tmp"
  [[ -z $1 ]] || mount --bind "$1" "$new$private/work"
  cd "$new" || return
  pivot_root . .
  umount -l .
  cd / || return
  mount --make-private /
  # Where a packaged nginx makes directories, whatever its configuration says.
  [[ ! -d /var/lib/nginx ]] || mount -t tmpfs -o mode=755 tmpfs /var/lib/nginx
  export TMPDIR=$private/tmp
  ip link set lo up
}

# bind_entries FROM TO NAME...: binds what is in FROM, but for these names, into the empty directory TO.
bind_entries() {
  local from=${1%/} to=$2 entry name
  for entry in "$from"/* "$from"/.[!.]*; do
    name=${entry##*/}
    [[ " ${*:3} " != *" $name "* ]] || continue
    if [[ -L $entry ]]; then
      cp -P "$entry" "$to/"
    elif [[ -d $entry ]]; then
      mkdir "$to/$name"
      mount --rbind "$entry" "$to/$name"
    elif [[ -f $entry ]]; then
      : >"$to/$name"
      mount --bind "$entry" "$to/$name"
    fi
  done
}

# hide ROOT DIRECTORY NAME...: another DIRECTORY there, without these, if it has any of them.
hide() {
  local root=$1 directory=$2 name
  for name in "${@:3}"; do
    [[ -e $directory/$name || -L $directory/$name ]] || continue
    mount -t tmpfs -o mode=755 tmpfs "$root$directory"
    bind_entries "$directory" "$root$directory" "${@:3}"
    return
  done
}

# copy_etc DIRECTORY: without what is Kong's, and with the names of this network only.
copy_etc() {
  local entry
  local -a copied=()
  mkdir "$1"
  for entry in /etc/* /etc/.[!.]*; do
    case $entry in
      /etc/kong | /etc/kong.conf) continue ;;
    esac
    if [[ $repository/ == "$entry"/* ]]; then
      mkdir "$1/${entry##*/}"
      mount --rbind "$entry" "$1/${entry##*/}"
    elif [[ -e $entry || -L $entry ]]; then
      copied+=("$entry")
    fi
  done
  cp -a "${copied[@]}" "$1/"
  # It may be a link, or a mount of an engine's.
  rm -f "$1"/{passwd,group,hosts}
  sed "/^kong:/d; /^[^:]*:[^:]*:$kong_uid:/d" /etc/passwd >"$1/passwd"
  sed "/^kong:/d; /^[^:]*:[^:]*:$kong_uid:/d" /etc/group >"$1/group"
  printf '%s\n' '127.0.0.1 localhost' "127.0.0.1 $(uname -n)" >"$1/hosts"
}

# add_kong_user HOME
add_kong_user() {
  printf 'kong:x:%s:0:kong:%s:/bin/sh\n' "$kong_uid" "$1" >>/etc/passwd
  printf 'kong:x:%s:\n' "$kong_uid" >>/etc/group
}
