# shellcheck shell=bash
# Sourced by what builds and tests. It reports everything that is missing, and the command that installs it,
# before anything can fail halfway.

# need GROUP WHAT...: GROUP is a group of scripts/setup. WHAT is a program, the path of a file, `swift`, which
# must also run, or python3-venv, which is a separate package in Debian.
need() {
  local what way="scripts/setup $1"
  local -a missing=()
  ((EUID == 0)) || way="sudo env PATH=\"\$PATH\" $way"
  for what in "${@:2}"; do
    has "$what" || missing+=("$what")
  done
  if ((${#missing[@]} == 0)); then
    need_running_swift "$way" "${@:2}"
    return
  fi
  {
    printf '%s: error: this machine lacks %s\n' "$(name_of_program)" "$(list_of "${missing[@]}")"
    printf '  why: this needs %s\n' "$(list_of "${@:2}")"
    if [[ " ${missing[*]} " == *' swift '* ]]; then
      printf '  way out: install the toolchain (https://www.swift.org/install/linux/), and put its usr/bin into PATH\n'
    fi
    [[ ${missing[*]} == swift ]] || printf '  way out: %s\n' "$way"
  } >&2
  exit 1
}

has() {
  case $1 in
    */*) [[ -e $1 ]] ;;
    python3-venv) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

# need_running_swift WAY_OUT WHAT...: an unpacked toolchain needs libraries of the distribution.
need_running_swift() {
  local said
  if [[ " ${*:2} " == *' swift '* ]] && ! said=$(swift --version 2>&1); then
    {
      printf '%s: error: %s does not run\n' "$(name_of_program)" "$(command -v swift)"
      printf '  why: %s\n' "$(tail -n 1 <<<"$said")"
      printf '  way out: %s\n' "$1"
    } >&2
    exit 1
  fi
}

# If a program is called run, take the name of its directory.
name_of_program() {
  local path=$0
  [[ $path != */run ]] || path=${path%/run}
  printf '%s' "${path##*/}"
}

# list_of WORD...: "a, b, c".
list_of() {
  local text
  text=$(printf ', %s' "$@")
  printf '%s' "${text#, }"
}

# What scripts/build, and anything that compiles Swift here, needs.
# shellcheck disable=SC2034 # for those who source this
readonly build_needs=(swift git gcc g++ pkg-config readelf /usr/include/sys/capability.h "/usr/lib/$(uname -m)-linux-musl/libc.a")
