#!/usr/bin/env bats
# Variables that a secure execution ignores (ld.so(8)), with a real nginx and a real library.

# shellcheck source-path=SCRIPTDIR source=container.bash
source "${BATS_TEST_DIRNAME}/container.bash"

# with_library: sets `preload`, the options for a library that writes a line when it is loaded.
with_library() {
  printf '%s\n' '#include <unistd.h>' '__attribute__((constructor)) static void said(void) {' \
    '  (void)!write(2, "the library is loaded\n", 22);' '}' >"$directory/said.c"
  cc -shared -fPIC -o "$directory/libsaid.so" "$directory/said.c"
  preload=(--volume "$directory/libsaid.so:/opt/libsaid.so:ro" --env LD_PRELOAD=/opt/libsaid.so
    --env KONG_PROXY_LISTEN=0.0.0.0:80)
}

@test "nginx on port 80 loads a library of LD_PRELOAD: its capability is ambient" {
  with_library
  start "${preload[@]}"
  serves http://localhost:80/
  grep libsaid.so "/proc/$master/maps"
  grep libsaid.so "/proc/$(worker)/maps"
  has_ambient cap_net_bind_service
  has_predicted_credentials
  not logged 'entrypoint: warn'
}

@test "in mode file nginx ignores LD_PRELOAD, and the start warns of it" {
  with_library
  start "${preload[@]}" --env ENTRYPOINT_CAP_MODE=file
  serves http://localhost:80/
  not grep libsaid.so "/proc/$master/maps"
  nginx_is_granted cap_net_bind_service=ep
  logged "entrypoint: warn: $nginx will ignore LD_PRELOAD"
  logged 'way out: leave out ENTRYPOINT_CAP_MODE=file'
}
