# shellcheck shell=bash
# Sourced: where this machine gets packages from, for other roots that are built from it.

# Prints one line of sources.list for each source of this machine that is the distribution itself.
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
    # Many images have empty lists, and only apt knows which of its sources are the distribution.
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

# Prints how apt reaches these sources from here: proxies, certificates, clocks.
apt_options() {
  apt-config dump | grep -E '^Acquire::(https?|ftp|Check-|Retries|ForceIPv|Allow)[^ ]* "..*";$' || true
}

# Finds where git on this machine gets packages from, if not from where Package.swift says.
#
# find_package_sources FILE: writes its `insteadOf` settings to FILE, and their directories to the array
# `package_directories`.
find_package_sources() {
  local key value url
  package_directories=()
  : >"$1"
  while read -r key value; do
    git config --file "$1" --add "$key" "$value"
    url=${key#url.}
    url=${url%.insteadof}
    # The setting may end within a name: the directory must exist.
    [[ $url != /* || " ${package_directories[*]} " == *" ${url%/*} "* ]] || package_directories+=("${url%/*}")
  done < <(git config --get-regexp '^url\..*\.insteadof$' || true)
}

# The directory of the Swift toolchain, which contains bin/swift.
toolchain() {
  dirname "$(dirname "$(realpath "$(command -v swift)")")"
}
