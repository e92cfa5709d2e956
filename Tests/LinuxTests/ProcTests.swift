import Testing

@Suite("If /proc is not Linux's complete /proc,")
struct ProcTests {
  /// There may be several, one over the other.
  private static let noProc = "while umount -l /proc 2>/dev/null; do :; done"
  /// How /proc is changed.
  private static let ways = [
    "mount -o remount,hidepid=2 /proc", "mount -t proc -o subset=pid proc /proc",
    "mount -t tmpfs none /proc", ProcTests.noProc,
  ]

  @Test("a plan, as root and as others, is the same", arguments: ways)
  func plans(way: String) throws {
    let outcome = try shell(
      #"""
      cp "$ENTRYPOINT" "$T/entrypoint"; cp /bin/true "$T/kong"; cp /bin/true "$T/nginx"; mkdir "$T/prefix"
      chown www-data "$T/prefix"
      export KONG_PROXY_LISTEN=0.0.0.0:80 PATH="$T:$PATH" KONG_PREFIX="$T/prefix" ENTRYPOINT_LOG_LINKS=off
      plan() { "$@" "$T/entrypoint" --dry-run --format json --proxy "$T/nginx" kong docker-start || true; }
      plans() {
        plan env ENTRYPOINT_USER=www-data
        plan env ENTRYPOINT_USER=www-data setpriv --no-new-privs
        plan env ENTRYPOINT_USER=www-data setpriv --securebits +no_setuid_fixup --bounding-set -sys_admin
        plan setpriv --reuid 33 --regid 33 --groups 33,2000,5
        plan setpriv --reuid 33 --regid 33 --clear-groups --inh-caps +net_bind_service --ambient-caps +net_bind_service
      }
      plans >"$T/before"
      \#(way)
      plans >"$T/after"
      diff "$T/before" "$T/after"
      jq -c .exit_status "$T/after"
      """#)
    #expect(outcome.output == "0\n0\n0\n77\n0\n", "\(outcome.errors)")
  }

  @Test("each command runs with the planned credentials", arguments: ways)
  func starts(way: String) throws {
    let outcome = try shell(
      #"""
      cp /bin/true "$T/nginx"; printf '#!/bin/sh\nid -u\n' >"$T/kong"; chmod +x "$T/kong"
      export KONG_PROXY_LISTEN=0.0.0.0:80 PATH="$T:$PATH" KONG_PREFIX="$T/prefix" ENTRYPOINT_PROXY="$T/nginx"
      \#(way)
      "$ENTRYPOINT" id -u
      "$ENTRYPOINT" --user www-data -- id -u
      ENTRYPOINT_USER=www-data "$ENTRYPOINT" kong health
      ENTRYPOINT_USER=www-data "$ENTRYPOINT" kong docker-start
      """#)
    #expect(outcome.output == "0\n33\n33\n33\n" && outcome.status == 0, "\(outcome.errors)")
    // nginx could not open /dev/stdout, which leads to /proc/self/fd.
    let hasDescriptors = way.contains("hidepid") || way.contains("subset")
    #expect(
      outcome.errors.contains("Kong's logs stay files in") != hasDescriptors, "\(outcome.errors)")
  }

  @Test("a prefix that contains entrypoint itself is rejected")
  func ownPath() throws {
    let outcome = try shell(
      #"""
      mkdir "$T/prefix" "$T/link"; cp "$ENTRYPOINT" "$T/prefix/e"; cp /bin/true "$T/kong"; cp /bin/true "$T/nginx"
      ln -s ../prefix/e "$T/link/e"
      export PATH="$T:$PATH" KONG_PREFIX="$T/prefix" ENTRYPOINT_USER=www-data ENTRYPOINT_PROXY="$T/nginx"
      for way in : '\#(ProcTests.noProc)'; do
        eval "$way"
        "$T/link/e" kong docker-start || echo $?
      done
      """#)
    #expect(outcome.output == "78\n78\n", "\(outcome.errors)")
  }
}
