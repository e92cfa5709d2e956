import EntrypointPlan
import Testing

@Suite("What an earlier start left in the prefix")
struct PrefixStateTests {
  private static let asUser = "setpriv --reuid 33 --regid 33 --clear-groups"
  private static let asRoot = "env ENTRYPOINT_USER=www-data"

  /// What start and dry run say first, and their statuses, after a setup in $T/prefix of the user's.
  private func starts(_ setup: String, as user: String = asUser) throws -> String {
    let outcome = try shell(
      """
      mkdir "$T/prefix" "$T/bin"; chown 33:33 "$T/prefix"
      cp /bin/true "$T/bin/nginx"; cp /bin/true "$T/bin/kong"
      export PATH="$T/bin:$PATH" KONG_PREFIX="$T/prefix" ENTRYPOINT_PROXY="$T/bin/nginx"
      cd "$T/prefix"
      \(setup)
      cd /
      for dry in '' --dry-run; do
        \(user) "$ENTRYPOINT" $dry -- kong docker-start > "$T/out" 2>&1 && echo 0 || echo $?
        grep -o -i -E '(warn|warning|error): .*' "$T/out" |
          grep -v -e 'way out' -e 'why:' -e 'nginx cannot open' -e 'prepare left no' |
          sed -E "s|$T||g; s/^[A-Za-z]+: //" || true
      done
      """)
    return outcome.output + outcome.errors
  }

  @Test("is nothing in a fresh prefix, and in one that the user has prepared itself")
  func fresh() throws {
    #expect(try starts("") == "0\n0\n")
    let prepared = """
      mkdir ssl; echo x > ssl/ffdhe2048.pem; echo x > .kong_env; echo 'http { }' > nginx.conf
      chown -R 33 .
      """
    #expect(try starts(prepared) == "0\n0\n")
  }

  @Test("is root's .kong_env and .ca_combined, to which a user of another group has no right")
  func ofRoot() throws {
    let said = """
      0
      www-data (33:33) cannot read /prefix/.kong_env: kong prepare may fail at it
      www-data (33:33) may not write /prefix/.ca_combined: kong prepare may fail at it, or go on with\
       what is in it

      """
    let setup = "touch .kong_env .ca_combined; chmod 640 .kong_env"
    #expect(try starts(setup) == said + said)
    #expect(try starts(setup, as: Self.asRoot) == "0\n0\n")
  }

  @Test("is a .kong_env without its ssl/, and an empty ffdhe2048.pem, for root, too")
  func remains() throws {
    for user in [Self.asUser, Self.asRoot] {
      let lost =
        "0\n/prefix/.kong_env names certificates that are not there: kong prepare may fail\n"
      let env = #"echo "ssl_cert = $T/prefix/ssl/kong-default.crt" > .kong_env; chown 33 .kong_env"#
      #expect(try starts(env, as: user) == lost + lost)
      #expect(try starts(env + "; mkdir ssl", as: user) == "0\n0\n")
      let empty = "0\n/prefix/ssl/ffdhe2048.pem is empty: kong prepare may fail at it\n"
      #expect(
        try starts("mkdir ssl; touch ssl/ffdhe2048.pem; chown -R 33 ssl", as: user) == empty + empty
      )
    }
  }

  @Test("does not matter where /tmp cannot be written: 77")
  func temporary() throws {
    for setup in [
      "mount -t tmpfs -o ro none /tmp", "mount -t tmpfs -o mode=755 none /tmp",
    ] {
      // $T is below /tmp, but not only there.
      let moved = """
        mount -t tmpfs none /mnt; mkdir /mnt/t; mount --bind "$T" /mnt/t; \(setup); T=/mnt/t
        export PATH="$T/bin:$PATH" KONG_PREFIX="$T/prefix" ENTRYPOINT_PROXY="$T/bin/nginx"
        """
      let said = "77\nwww-data (33:33) may not write /tmp, as each kong command has to\n"
      #expect(try starts(moved, as: Self.asRoot) == said + said)
    }
  }

  @Test("does not matter where the prefix can be neither written nor made: 77")
  func unwritable() throws {
    let said = "77\nwww-data (33:33) may not write /prefix, as kong prepare has to\n"
    #expect(try starts("chown 0:0 .") == said + said)
    let missing = "77\nwww-data (33:33) cannot make /a/b in /a\n"
    #expect(try starts(#"mkdir "$T/a"; export KONG_PREFIX="$T/a/b""#) == missing + missing)
  }
}
