#!/usr/bin/env bats
# The number of nginx's workers in a container that may not use all processors.

# shellcheck source-path=SCRIPTDIR source=container.bash
source "${BATS_TEST_DIRNAME}/container.bash"

# has_workers NUMBER: whether nginx has this number of workers now.
has_workers() {
  (($(grep -c 'nginx: worker process' < <(titles)) == $1))
}

titles() {
  local process
  for process in $(processes); do
    tr '\0' '\n' <"/proc/$process/cmdline" || true
  done
}

@test "a container with --cpus 0.5 has one worker, and says why" {
  start --cpus 0.5
  serves http://localhost:8000/
  eventually has_workers 1
  logged 'entrypoint: info: KONG_NGINX_WORKER_PROCESSES=1, because this container may use the time of 0.5 of the'
}

@test "a container with --cpuset-cpus 0 has one worker" {
  start --cpuset-cpus 0
  serves http://localhost:8000/
  eventually has_workers 1
}

@test "with ENTRYPOINT_WORKERS=off, or a number in a Kong setting, the limit has no effect" {
  start --cpus 0.5 --env ENTRYPOINT_WORKERS=off
  serves http://localhost:8000/
  eventually has_workers "$(nproc --all)"
  remove
  start --cpus 0.5 --env KONG_NGINX_MAIN_WORKER_PROCESSES=3
  serves http://localhost:8000/
  eventually has_workers 3
}
