# shellcheck shell=bash
# Sourced: a container engine with state and settings of its own, so that nothing of the tests stays
# in the machine's storage and nothing of the machine's settings changes what is tested.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
engine_directory=$repository/.build/container
# shellcheck disable=SC2034
python_tools=$repository/.build-python
# shellcheck disable=SC2034 # for those who source this
image=localhost/entrypoint
# shellcheck disable=SC2034
image_user_kong=localhost/entrypoint-user-kong
# As that one, and entrypoint's own file carries capabilities, permitted but not effective.
# shellcheck disable=SC2034
image_own_file=localhost/entrypoint-own-file
# As `image`, and in it the user kong owns OpenResty, as in Kong's own images; that, with entrypoint's own file
# as above; and one whose nginx carries the capability already.
# shellcheck disable=SC2034
image_kong_owned=localhost/entrypoint-kong-owned
# shellcheck disable=SC2034
image_own_file_kong_owned=localhost/entrypoint-own-file-kong-owned
# shellcheck disable=SC2034
image_setcap_nginx=localhost/entrypoint-setcap-nginx
# What docker/Dockerfile makes of the like of the official image, and its target `binary`.
# shellcheck disable=SC2034
image_official=localhost/entrypoint-official
# shellcheck disable=SC2034
image_shipped=localhost/entrypoint-shipped
# That one, and in it psql.
# shellcheck disable=SC2034
image_with_psql=localhost/entrypoint-with-psql
# shellcheck disable=SC2034
image_binary=localhost/entrypoint-binary

# On stderr, where tests take it for the container's: podman 5 deprecates the cgroups of version 1, which
# some machines still have, and which the tests have nothing to do with.
export PODMAN_IGNORE_CGROUPSV1_WARNING=1

# runc and cgroupfs work without systemd, on hybrid cgroups and inside containers; the limits are
# below what a root without cap_sys_resource may set; file locks stay out of /dev/shm. The
# capabilities are podman's documented default, which is not that of each build of it.
write_engine_settings() {
  mkdir -p "$engine_directory"
  cat >"$engine_directory/containers.conf" <<CONF
[containers]
default_capabilities = [
  "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE",
  "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
netns = "none"

[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"

[network]
$(network_backend)
CONF
}

# Without it podman looks for the older backend's plugins, and warns of each that is not there.
network_backend() {
  if [[ -x /usr/lib/podman/netavark || -x /usr/libexec/podman/netavark ]]; then
    printf 'network_backend = "netavark"\n'
  fi
}

# A healthcheck runs when a test asks for it, and by no timer of systemd. Each of the workers that run files
# of tests at the same time has containers, networks and locks of its own; the images are everybody's.
podman() {
  local -a store=(--root "$engine_directory/storage")
  if [[ -n ${ENTRYPOINT_TESTS_WORKER-} ]]; then
    store=(--root "$engine_directory/storage.$ENTRYPOINT_TESTS_WORKER"
      --storage-opt additionalimagestore="$engine_directory/storage")
  fi
  DISABLE_HC_SYSTEMD=true CONTAINERS_CONF=${engine_settings:-$engine_directory/containers.conf} command podman \
    "${store[@]}" --runroot "$engine_directory/run" --tmpdir "$engine_directory/run/tmp" "$@"
}
