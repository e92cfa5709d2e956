#!/usr/bin/env bats
# scripts/demo, the README's first command, from the outside. It needs no container.

repository=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)

setup() {
  output=$(mktemp)
  demo=""
}

teardown() {
  cat "$output"
  rm -f "$output"
  if [[ -n $demo ]]; then
    kill -s KILL -- "-$demo" 2>/dev/null || true
  fi
}

# What a program could leave behind: mounts, accounts, files, ports, processes.
machine() {
  cut -d ' ' -f 4- /proc/self/mountinfo
  cat /etc/passwd /etc/group
  find /usr/local /tmp /run -maxdepth 2 2>/dev/null | grep -E 'kong|openresty|entrypoint' || true
  ss --listening --tcp --udp --numeric --no-header
  cat /proc/[0-9]*/comm 2>/dev/null | grep -x nginx || true
}

@test "the demo shows the failure, the plan, both pages and the kernel's view, in plain text for a pipe" {
  "$repository/scripts/demo" >"$output" 2>&1
  grep -F 'bind() to 0.0.0.0:80 failed (13: Permission denied)' "$output"
  grep -F 'cap_net_bind_service=ep' "$output"
  grep -F 'kong stand-in (proxy) at 127.0.0.1:80,' "$output"
  grep -F 'kong stand-in (proxy) at 127.0.0.1:443,' "$output"
  grep -E '^ +Uid +1337 +1337 +kong$' "$output"
  grep -E '^ +CapEff +0000000000000400 +0000000000000400 +cap_net_bind_service$' "$output"
  [[ $(grep -c $'\e' "$output") == 0 ]]
}

@test "the demo leaves nothing behind" {
  local before
  before=$(machine)
  "$repository/scripts/demo" >"$output" 2>&1
  diff <(printf '%s\n' "$before") <(machine)
}

@test "scripts/demo --keep serves until Ctrl-C, and ends with 0" {
  # A script's background job ignores Ctrl-C by default.
  setsid env --default-signal=INT "$repository/scripts/demo" --keep >"$output" 2>&1 &
  demo=$!
  until grep -q 'until Ctrl-C' "$output" && grep -q -- '--target' "$output"; do
    [[ -d /proc/$demo ]]
    sleep 0.05
  done
  inside=$(sed -n 's/.*--target \([0-9]*\) .*/\1/p' "$output")
  [[ $(nsenter --target "$inside" --net curl --silent --noproxy '*' http://localhost/) == 'kong stand-in'* ]]
  kill -s INT -- "-$demo"
  wait "$demo"
  [[ ! -d /proc/$inside ]]
}

@test "scripts/demo prints its usage" {
  "$repository/scripts/demo" --help >"$output"
  grep -F 'Usage: scripts/demo [--keep]' "$output"
  status=0
  "$repository/scripts/demo" --nonsense 2>"$output" || status=$?
  ((status == 64))
}
