# shellcheck shell=bash
# Sourced: where this machine gets packages from, for other roots that are made of it.

# One line of sources.list for each of this machine's sources that is the distribution itself.
distribution_sources() {
  local id keyring sources
  id=$(. /etc/os-release && printf '%s' "$ID")
  keyring=/usr/share/keyrings/$id-archive-keyring.gpg
  if [[ -e $keyring ]]; then
    keyring="[signed-by=$keyring] "
  else
    keyring=""
  fi
  sources=$(listed_sources)
  if [[ -z $sources ]]; then
    # The lists are emptied in many images; only apt knows which of its sources are the distribution.
    apt-get -qq update >&2
    sources=$(listed_sources)
  fi
  printf '%s' "$sources"
}

listed_sources() {
  # shellcheck disable=SC2016 # names of apt's
  apt-get indextargets --format '$(ORIGIN)|$(REPO_URI) $(RELEASE) $(COMPONENT)' \
    'Created-By: Packages' 'Target-Of: deb' |
    sed -n "s#^\(Debian\|Ubuntu\)|#deb $keyring#p" | sort -u
}

# How apt reaches those sources from here: proxies, certificates, clocks.
apt_options() {
  apt-config dump | grep -E '^Acquire::(https?|ftp|Check-|Retries|ForceIPv|Allow)[^ ]* "..*";$' || true
}

# Where git on this machine gets packages from, if not from where Package.swift says.
#
# find_package_sources FILE: its `insteadOf` settings in FILE, the directories that they name in the array
# `package_directories`.
find_package_sources() {
  local key value url
  package_directories=()
  : >"$1"
  while read -r key value; do
    git config --file "$1" --add "$key" "$value"
    url=${key#url.}
    url=${url%.insteadof}
    # The setting may end within a name: the directory is what has to be there.
    [[ $url != /* || " ${package_directories[*]} " == *" ${url%/*} "* ]] || package_directories+=("${url%/*}")
  done < <(git config --get-regexp '^url\..*\.insteadof$' || true)
}

# The directory of the Swift toolchain, in which there is bin/swift.
toolchain() {
  dirname "$(dirname "$(realpath "$(command -v swift)")")"
}
