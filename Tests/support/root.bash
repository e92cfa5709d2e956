# shellcheck shell=bash
# Sourced: a private root directory for a test. Nothing in it depends on this machine: hooks, Kong's files, a
# user kong, who may enter the clone, or the mount of /tmp.

# The modes of the clone, and of files made here, do not depend on who started it.
umask 022

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly repository
readonly hooks=/docker-entrypoint.d
readonly kong_uid=1337
# In the private root only: what a test shares with the outside, and TMPDIR. The path is short, because
# sockets have theirs below it. It is on a tmpfs, which allows programs and file capabilities.
readonly private=/.stage

# SwiftPM runs what it makes of Package.swift in TMPDIR, and /tmp may forbid programs.
if [[ ${TMPDIR-} != "$private/tmp" ]]; then
  export TMPDIR=$repository/.build/tmp
  mkdir -p "$TMPDIR"
fi

# enter_namespaces COMMAND...: continues as that command, in namespaces that end all its mounts and processes.
# A script's background job has INT and QUIT ignored, some services have PIPE ignored; here all have the
# default action.
enter_namespaces() {
  exec env --default-signal=INT,QUIT,PIPE unshare --mount --net --pid --fork --kill-child "$@"
}

# ---- inside the namespaces ----

# make_private_root DIRECTORY: makes a root with everything of the real one, except what belongs to Kong.
# DIRECTORY, unless the name is empty, becomes $private/work in it, where every user can reach it. The root
# ends with the namespace, however that ends.
make_private_root() {
  # pivot_root(2) needs a mount, and a directory in the clone hides nothing that somebody needs.
  local new=$repository/.build/root
  mount -t proc proc /proc
  mkdir -p "$new"
  mount -t tmpfs -o mode=755 tmpfs "$new"
  # Otherwise the directory with the clone would be bound into itself.
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
  # A packaged nginx makes directories there, whatever its configuration says.
  [[ ! -d /var/lib/nginx ]] || mount -t tmpfs -o mode=755 tmpfs /var/lib/nginx
  export TMPDIR=$private/tmp
  ip link set lo up
}

# bind_entries FROM TO NAME...: binds everything in FROM, except these names, into the empty directory TO.
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

# hide ROOT DIRECTORY NAME...: replaces DIRECTORY there with one without these names, if it has any of them.
hide() {
  local root=$1 directory=$2 name
  for name in "${@:3}"; do
    [[ -e $directory/$name || -L $directory/$name ]] || continue
    mount -t tmpfs -o mode=755 tmpfs "$root$directory"
    bind_entries "$directory" "$root$directory" "${@:3}"
    return
  done
}

# copy_etc DIRECTORY: copies /etc without Kong's files, and with the host names of this network only.
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
  # It may be a link, or a mount of an engine.
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
