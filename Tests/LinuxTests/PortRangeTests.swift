import Testing

@Suite("The ports that need no capability")
struct PortRangeTests {
  private static let sysctl = "/proc/sys/net/ipv4/ip_unprivileged_port_start"
  private static let plan = #"""
    cp /bin/true "$T/kong"; cp /bin/true "$T/nginx"; mkdir "$T/prefix"
    export KONG_PROXY_LISTEN=0.0.0.0:80,0.0.0.0:1023,0.0.0.0:1024 PATH="$T:$PATH" KONG_PREFIX="$T/prefix"
    plan() { "$ENTRYPOINT" --dry-run --format json --user www-data --proxy "$T/nginx" kong docker-start; }
    needs() { plan | jq -c '[.listeners[:3][] | .needs | length]'; }

    """#

  @Test(
    "are not guessed if the kernel's file has unexpected contents: start and dry run end with 77")
  func garbage() throws {
    let outcome = try shell(
      PortRangeTests.plan + #"""
        touch "$T/value"; mount --bind "$T/value" \#(PortRangeTests.sysctl)
        for value in '' x -1 65536 99999999999999999999 '80 80' 80x; do
          printf '%s\n' "$value" >"$T/value"
          for dry in '' --dry-run; do
            "$ENTRYPOINT" $dry --user www-data --proxy "$T/nginx" kong docker-start >"$T/log" 2>&1 && echo 0 || echo $?
            grep -c 'why: it says "'"$value"'", which is not a port' "$T/log"
          done
          "$ENTRYPOINT" true
        done
        """#)
    #expect(
      outcome.output == String(repeating: "77\n1\n77\n1\n", count: 7), "\(outcome.errors)")
  }

  @Test("come from trials if /proc/sys is masked")
  func masked() throws {
    let outcome = try shell(
      PortRangeTests.plan + #"""
        for start in 1024 80 0 1; do
          echo $start >\#(PortRangeTests.sysctl)
          needs
          mount -t tmpfs none /proc/sys; needs; umount /proc/sys
        done
        # Somebody listens on the port already.
        ip link set lo up; echo 80 >\#(PortRangeTests.sysctl); mount -t tmpfs none /proc/sys
        python3 -c 'import socket, subprocess, sys
        s = socket.create_server(("127.0.0.1", 80)); subprocess.run(sys.argv[1:], check=True)' \
          bash -euc 'plan() { "$ENTRYPOINT" --dry-run --format json --user www-data --proxy "$T/nginx" kong docker-start; }
            plan | jq -c "[.listeners[:3][] | .needs | length]"'
        """#)
    #expect(
      outcome.output == """
        [1,1,0]
        [1,1,0]
        [0,0,0]
        [0,0,0]
        [0,0,0]
        [0,0,0]
        [0,0,0]
        [0,0,0]
        [0,0,0]

        """, "\(outcome.errors)")
  }
}
