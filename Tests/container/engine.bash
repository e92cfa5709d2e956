# shellcheck shell=bash
# Sourced: a container engine with state and settings of its own. Nothing of the tests stays in the machine's
# storage, and none of the machine's settings changes what is tested.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
engine_directory=$repository/.build/container
# shellcheck disable=SC2034
python_tools=$repository/.build-python
# shellcheck disable=SC2034 # for those who source this
image=localhost/entrypoint
# shellcheck disable=SC2034
image_user_kong=localhost/entrypoint-user-kong
# Like that one, and entrypoint's own file carries capabilities, permitted but not effective.
# shellcheck disable=SC2034
image_own_file=localhost/entrypoint-own-file
# Like `image`, but OpenResty belongs to the user kong, as in Kong's own images; the same with entrypoint's
# own file as above; and one whose nginx already carries the capability.
# shellcheck disable=SC2034
image_kong_owned=localhost/entrypoint-kong-owned
# shellcheck disable=SC2034
image_own_file_kong_owned=localhost/entrypoint-own-file-kong-owned
# shellcheck disable=SC2034
image_setcap_nginx=localhost/entrypoint-setcap-nginx
# What docker/Dockerfile makes from an image like the official one, and its target `binary`.
# shellcheck disable=SC2034
image_official=localhost/entrypoint-official
# shellcheck disable=SC2034
image_shipped=localhost/entrypoint-shipped
# That one with psql.
# shellcheck disable=SC2034
image_with_psql=localhost/entrypoint-with-psql
# shellcheck disable=SC2034
image_binary=localhost/entrypoint-binary
# Its target `published`.
# shellcheck disable=SC2034
image_published=localhost/entrypoint-published

# podman 5 warns on stderr, where tests would take it for the container's, that cgroups of version 1 are
# deprecated. Some machines still have these, and they do not matter here.
export PODMAN_IGNORE_CGROUPSV1_WARNING=1

# runc and cgroupfs work without systemd, on hybrid cgroups and inside containers. The limits are below what a
# root without cap_sys_resource may set. File locks stay out of /dev/shm. The capabilities are podman's
# documented default, which not every build of it has.
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

# Without it podman searches for the plugins of the older backend, and warns of each missing one.
network_backend() {
  if [[ -x /usr/lib/podman/netavark || -x /usr/libexec/podman/netavark ]]; then
    printf 'network_backend = "netavark"\n'
  fi
}

# A healthcheck runs when a test requests it, not by a timer of systemd. Workers run files of tests at the
# same time, each with containers, networks and locks of its own; they share the images.
podman() {
  local -a store=(--root "$engine_directory/storage")
  if [[ -n ${ENTRYPOINT_TESTS_WORKER-} ]]; then
    store=(--root "$engine_directory/storage.$ENTRYPOINT_TESTS_WORKER"
      --storage-opt additionalimagestore="$engine_directory/storage")
  fi
  DISABLE_HC_SYSTEMD=true CONTAINERS_CONF=${engine_settings:-$engine_directory/containers.conf} command podman \
    "${store[@]}" --runroot "$engine_directory/run" --tmpdir "$engine_directory/run/tmp" "$@"
}
