import Testing

@Suite("What an earlier start left in the prefix")
struct PrefixStateTests {
  private static let asUser = "setpriv --reuid 33 --regid 33 --clear-groups"
  private static let asRoot = "env ENTRYPOINT_USER=www-data"

  /// The first messages of start and dry run, and their statuses, after a setup in $T/prefix of the
  /// user's.
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

  @Test("is nothing in a fresh prefix, and in one that the user has prepared")
  func fresh() throws {
    #expect(try starts("") == "0\n0\n")
    let prepared = """
      mkdir ssl; echo x > ssl/ffdhe2048.pem; echo x > .kong_env; echo 'http { }' > nginx.conf
      chown -R 33 .
      """
    #expect(try starts(prepared) == "0\n0\n")
  }

  @Test("can be root's .kong_env and .ca_combined, which a user of another group cannot access")
  func ofRoot() throws {
    let said = """
      0
      www-data (33:33) cannot read /prefix/.kong_env: kong prepare may fail
      www-data (33:33) cannot write /prefix/.ca_combined: kong prepare may fail, or go on with\
       the old contents

      """
    let setup = "touch .kong_env .ca_combined; chmod 640 .kong_env"
    #expect(try starts(setup) == said + said)
    // Root gives away no file of another user in a prefix that already belongs to the user.
    let asRoot = try starts(setup, as: Self.asRoot)
    #expect(asRoot.hasPrefix(said + "not given to 33: ") && asRoot.hasSuffix("\n" + said))
  }

  @Test(
    "can be root's logs/ or pids/ in a prefix of the user's, or its error log: 77, also for a start as root",
    arguments: [
      ("mkdir logs", "/prefix/logs"),
      ("mkdir logs; touch logs/error.log logs/access.log", "/prefix/logs"),
      ("mkdir -m 700 logs", "/prefix/logs"), ("mkdir pids", "/prefix/pids"),
      ("mkdir pids logs; chown 33 logs", "/prefix/pids"),
      ("mkdir logs; chown 33 logs; touch logs/error.log", "/prefix/logs/error.log"),
    ])
  func ofRootBelow(setup: String, path: String) throws {
    let said = "77\nwww-data (33:33) cannot write \(path), but kong prepare has to\n"
    #expect(try starts(setup) == said + said)
    #expect(try starts(setup, as: Self.asRoot) == said + said)
    let mounted = "mkdir -p logs pids; mount -t tmpfs -o mode=755 none logs; touch logs/error.log"
    #expect(try starts(mounted + "; chown 33 pids", as: Self.asRoot) == "0\n0\n")
    let readOnly = "mkdir logs; mount -t tmpfs -o ro none logs"
    let denied = "77\nwww-data (33:33) cannot write /prefix/logs, but kong prepare has to\n"
    #expect(try starts(readOnly, as: Self.asRoot) == denied + denied)
  }

  @Test(
    "does not matter in logs/ of root's if every file of Kong exists there, or the logs are links")
  func usableBelow() throws {
    let whole = """
      mkdir logs pids; touch logs/error.log logs/access.log logs/admin_access.log pids/nginx.pid
      chown 33 logs/* pids/*
      """
    #expect(!(try starts(whole)).contains("77"))
    let links =
      "mkdir logs; chown 33 logs; ln -s /dev/stderr logs/error.log; ln -s /etc/passwd logs/access.log"
    #expect(!(try starts(links)).contains("77"))
  }

  @Test("is reported with its origin, and the way out for that")
  func place() throws {
    let outcome = try shell(
      """
      mkdir "$T/bin" "$T/prefix" "$T/host"; cp /bin/true "$T/bin/nginx"; cp /bin/true "$T/bin/kong"
      export PATH="$T/bin:$PATH" KONG_PREFIX="$T/prefix" ENTRYPOINT_PROXY="$T/bin/nginx"
      mkdir "$T/prefix/logs" "$T/host/kubernetes.io~empty-dir"; chown 33:33 "$T/prefix"
      start() { \(Self.asUser) "$ENTRYPOINT" kong docker-start 2>&1 | grep -e why: -e 'way out' | head -n 2 || true; }
      for source in / kubernetes.io~empty-dir; do
        mount --bind "$T/host/$source" "$T/prefix/logs"; start; umount "$T/prefix/logs"
      done
      mount -t tmpfs -o mode=755 none "$T/prefix/logs"; start
      """)
    let said = outcome.output.replacing("entrypoint: error:   ", with: "").split(separator: "\n")
    try #require(said.count == 6, "\(outcome)")
    #expect(
      said[0].hasPrefix("why: it is on a volume, or a directory of the host, has uid 0, gid 0"))
    #expect(said[1] == "way out: on the host, give what is mounted there: chown -R 33:33 DIRECTORY")
    #expect(said[2].hasPrefix("why: it is on a volume of Kubernetes, has uid 0, gid 0, mode 0755"))
    #expect(said[3].hasPrefix("way out: Kubernetes: securityContext.fsGroup: 33 in the pod"))
    #expect(said[4].hasPrefix("why: it is on a tmpfs, has uid 0"))
    #expect(said[5].hasPrefix("way out: docker run --tmpfs /tmp --env KONG_PREFIX=/tmp/kong"))
  }

  @Test("can be a .kong_env without its ssl/, and an empty ffdhe2048.pem, for root, too")
  func remains() throws {
    for user in [Self.asUser, Self.asRoot] {
      let lost =
        "0\n/prefix/.kong_env names certificates that do not exist: kong prepare may fail\n"
      let env = #"echo "ssl_cert = $T/prefix/ssl/kong-default.crt" > .kong_env; chown 33 .kong_env"#
      #expect(try starts(env, as: user) == lost + lost)
      #expect(try starts(env + "; mkdir ssl; chown 33 ssl", as: user) == "0\n0\n")
      let empty = "0\n/prefix/ssl/ffdhe2048.pem is empty: kong prepare may fail\n"
      #expect(
        try starts("mkdir ssl; touch ssl/ffdhe2048.pem; chown -R 33 ssl", as: user) == empty + empty
      )
    }
  }

  @Test("does not matter if /tmp cannot be written: 77")
  func temporary() throws {
    for setup in [
      "mount -t tmpfs -o ro none /tmp", "mount -t tmpfs -o mode=755 none /tmp",
    ] {
      // $T is below /tmp, but also elsewhere.
      let moved = """
        mount -t tmpfs none /mnt; mkdir /mnt/t; mount --bind "$T" /mnt/t; \(setup); T=/mnt/t
        export PATH="$T/bin:$PATH" KONG_PREFIX="$T/prefix" ENTRYPOINT_PROXY="$T/bin/nginx"
        """
      let said = "77\nwww-data (33:33) cannot write /tmp, but every kong command has to\n"
      #expect(try starts(moved, as: Self.asRoot) == said + said)
    }
  }

  @Test("does not matter if the prefix can be neither written nor made: 77")
  func unwritable() throws {
    let said = "77\nwww-data (33:33) cannot write /prefix, but kong prepare has to\n"
    #expect(try starts("chown 0:0 .") == said + said)
    let missing = "77\nwww-data (33:33) cannot make /a/b in /a\n"
    #expect(try starts(#"mkdir "$T/a"; export KONG_PREFIX="$T/a/b""#) == missing + missing)
  }
}
