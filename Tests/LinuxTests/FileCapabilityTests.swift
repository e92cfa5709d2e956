@testable import Capabilities
@testable import Linux
@testable import Plan
@testable import Text
import Testing

@Suite("File capabilities")
struct FileCapabilityTests {
  private let wanted = CapabilitySet([.netBindService, .netRaw])

  /// A copy of a program in a fresh directory, as in a plan.
  private func withProgram(_ body: (ProgramFile, Shell) throws -> Void) throws {
    let shell = try Shell()
    defer { shell.remove() }
    _ = try shell.run(#"cp /bin/true "$T/program""#)
    guard
      case .found(let file) = try ProgramSearch.find(
        ByteString(shell.directory.path + "/program"), path: nil)
    else {
      Issue.record("the program is not there")
      return
    }
    try body(file, shell)
  }

  @Test("are written as exactly the set, permitted and effective, as getcap reads them")
  func write() throws {
    try withProgram { file, shell in
      #expect(try FileCapabilities.write(wanted, to: file) == nil)
      let text = try shell.run(#"getcap "$T/program""#).output
      #expect(text.hasSuffix(" cap_net_bind_service,cap_net_raw=ep\n"))
      guard case .found(let after) = try ProgramSearch.find(file.path, path: nil) else { return }
      #expect(after.capabilities == FileCapabilities(permitted: wanted, effective: true, rootID: 0))
      #expect(try FileCapabilities.write(nil, to: after) == nil)
      #expect(try shell.run(#"getcap "$T/program""#).output.isEmpty)
    }
  }

  @Test("are never written through a link, or to a file that replaced the planned one")
  func links() throws {
    try withProgram { file, shell in
      _ = try shell.run(
        #"cp /bin/true "$T/victim"; ln -sf "$T/victim" "$T/program""#)
      #expect(throws: SystemCallFailure.self) {
        _ = try FileCapabilities.write(wanted, to: file)
      }
      _ = try shell.run(#"rm "$T/program"; cp "$T/victim" "$T/program""#)
      #expect(throws: SystemCallFailure.self) {
        _ = try FileCapabilities.write(wanted, to: file)
      }
      #expect(try shell.run(#"getcap "$T/victim" "$T/program""#).output.isEmpty)
    }
  }

  @Test(
    "are refused if others could put another program there: the first such component is reported")
  func writableComponent() throws {
    try withProgram { file, shell in
      let lookup = { () -> ByteString? in try FileCapabilityTests.writableComponent(file.path) }
      #expect(try lookup() == nil, "a sticky directory of root's, such as /tmp, is no way in")
      _ = try shell.run(#"chmod g+w "$T""#)
      #expect(try lookup() == ByteString(shell.directory.path))
      _ = try shell.run(#"chmod g-w "$T"; chown 33 "$T/program""#)
      #expect(try lookup() == file.path)
    }
  }

  private static func writableComponent(_ path: ByteString) throws -> ByteString? {
    guard case .found(let file) = try ProgramSearch.findProxy(path, searchPath: nil) else {
      return "lost"
    }
    return file.writableComponent
  }

  @Test("are refused for a program of root's that somebody else's link leads to")
  func plantedLinks() throws {
    try withProgram { file, shell in
      let place = ByteString(shell.directory.path)
      let made = try shell.run(
        """
        cd "$T"; mkdir -m 755 mine links; chown 1337 mine; mkdir -m 1777 sticky
        ln -s ../program mine/last; ln -s .. mine/up; ln -s "$T/mine/last" links/chain
        ln -s ../program links/good; ln -s ./good links/better; ln -s "$T/links/../links/better" links/best
        ln -s ../program sticky/moved; cp program sticky/copy; mkdir -m 755 sticky/d; cp program sticky/d/
        """)
      try #require(made.status == 0, "\(made.errors)")
      for (path, component) in [
        ("/mine/last", "/mine"), ("/mine/up/program", "/mine"), ("/links/chain", "/mine"),
        // rename(2) could have moved these there from a directory of somebody else's.
        ("/sticky/moved", "/sticky"), ("/sticky/copy", "/sticky"),
      ] as [(ByteString, ByteString)] {
        #expect(try FileCapabilityTests.writableComponent(place + path) == place + component)
      }
      for path in ["/links/good", "/links/best", "/sticky/d/program"] as [ByteString] {
        #expect(try FileCapabilityTests.writableComponent(place + path) == nil, "\(path)")
      }
      #expect(try ProgramSearch.findProxy(place + "/links/none", searchPath: nil) == .absent)
    }
  }

  @Test("are neither written nor removed if the user has replaced nginx with a link")
  func plantedProxy() throws {
    for (listen, before) in [("0.0.0.0:80", ""), ("0.0.0.0:8000", "cap_net_raw=ep")] {
      let outcome = try shell(
        """
        mkdir "$T/bin" "$T/openresty"; cp /bin/true "$T/bin/kong"; cp /bin/true "$T/bin/victim"
        if [ -n "\(before)" ]; then setcap \(before) "$T/bin/victim"; fi
        ln -s "$T/bin/victim" "$T/openresty/nginx"; chown -hR www-data "$T/openresty"
        KONG_PROXY_LISTEN=\(listen) PATH="$T/bin:$PATH" KONG_PREFIX="$T/p" "$ENTRYPOINT" \
          --user www-data --proxy "$T/openresty/nginx" kong docker-start 2>&1 | grep -o 'info: .*'
        getcap "$T/bin/victim" | grep -o 'cap_.*' || true
        """)
      let lines = outcome.output.split(separator: "\n")
      #expect(lines.dropFirst() == (before.isEmpty ? [] : [before[...]]), "\(outcome.output)")
      #expect(lines.first?.contains("by file capability") == false)
    }
  }

  @Test("of a script have no effect: it gets ambient ones, and one message says so once it is true")
  func script() throws {
    let outcome = try shell(
      """
      printf '#!/bin/sh\\n' > "$T/kong"
      printf '#!/bin/sh\\ngrep CapEff /proc/$$/status\\n' > "$T/nginx"
      chmod +x "$T/kong" "$T/nginx"; setcap cap_net_bind_service=ep "$T/nginx"
      export KONG_PROXY_LISTEN=0.0.0.0:80 PATH="$T:$PATH" KONG_PREFIX="$T/prefix"
      "$ENTRYPOINT" --user www-data --proxy "$T/nginx" --log-level debug kong docker-start \
        2>&1 | grep -o -e 'debug: verify.*ambient cap_[a-z_]*' -e 'info: .* with' \
        -e 'debug: exec .*nginx.conf' -e CapEff.* | sed "s|$T||g"
      """)
    #expect(
      outcome.output.split(separator: "\n").suffix(4) == [
        "debug: verify uid 33, gid 33, permitted cap_net_bind_service, ambient cap_net_bind_service",
        "info: /nginx runs as www-data (33:33) with",
        "debug: exec /nginx -p /prefix -c nginx.conf",
        "CapEff:\t0000000000000400",
      ], "\(outcome.output)\(outcome.errors)")
  }

  @Test(
    "of entrypoint's own file open no file and no user to those who start it, =ep no more than =p")
  func ownFile() throws {
    let outcome = try shell(
      """
      cp "$ENTRYPOINT" "$T/entrypoint"; echo hidden > "$T/secret"; chmod 600 "$T/secret"
      printf '#!/bin/sh\\necho "$KONG_PASSWORD"\\n' > "$T/kong"; chmod +x "$T/kong"
      export PATH="$T:$PATH"
      for sets in =p =ep; do
        setcap cap_dac_override,cap_dac_read_search,cap_setgid,cap_setuid$sets "$T/entrypoint"
        as_user() { setpriv --reuid 33 --regid 33 --clear-groups "$@" 2>/dev/null && echo 0 || echo $?; }
        as_user "$T/entrypoint" --user root -- id -u
        KONG_PASSWORD_FILE="$T/secret" as_user "$T/entrypoint" kong version
      done
      """)
    #expect(outcome.output == "77\n78\n77\n78\n", "\(outcome.errors)")
  }

  @Test("of entrypoint's own file are not root's, though its execution counts as secure")
  func secureRoot() throws {
    let outcome = try shell(
      """
      # A security module can have this effect on the first process of every container.
      cp "$ENTRYPOINT" "$T/entrypoint"; chgrp 6 "$T/entrypoint"; chmod 2755 "$T/entrypoint"
      setpriv --regid 5 --clear-groups \\
        "$T/entrypoint" --user www-data --cap net_raw -- grep CapEff /proc/self/status
      """)
    #expect(outcome.output == "CapEff:\t0000000000002000\n", "\(outcome.errors)")
  }

  @Test("for a file that replaced the planned one end the start")
  func unwritable() throws {
    try withProgram { file, shell in
      _ = try shell.run(#"cp "$T/program" "$T/other"; mv "$T/other" "$T/program""#)
      let executor = Executor(
        environment: EnvironmentBlock(CStrings(nil)), names: .ofRunningKernel(),
        log: Log(level: .error, format: .text))
      let failure = #expect(throws: StartFailure.self) {
        _ = try executor.run([.changeFile(.setCapabilities(wanted, file))])
      }
      #expect(failure?.status == 77)
      #expect(
        failure?.explanation?.what
          == "cap_net_bind_service,cap_net_raw cannot be written to \(file.path)")
      #expect(failure?.explanation?.why.contains("another file has taken its place") == true)
      #expect(failure?.explanation?.waysOut.isEmpty == false)
    }
  }

  @Test("are known to be impossible on a nosuid, a read-only and an attribute-less file system")
  func mounts() throws {
    for (options, mode) in [("nosuid", "ambient"), ("ro", "ambient"), ("exec", "file")] {
      let outcome = try shell(
        """
        mkdir "$T/m"; mount -t tmpfs -o mode=755 none "$T/m"; cp /bin/true "$T/m/nginx"; cp /bin/true "$T/m/kong"
        mount -o remount,mode=755,\(options) "$T/m"
        KONG_PROXY_LISTEN=0.0.0.0:80 PATH="$T/m:$PATH" "$ENTRYPOINT" --dry-run --format json \
          --user www-data --proxy "$T/m/nginx" kong docker-start | jq -r .grant.mode
        """)
      #expect(outcome.output == "\(mode)\n", "\(options): \(outcome.errors)")
    }
  }

  @Test("are read back: a call that only pretends to succeed counts as refused")
  func readBack() throws {
    let outcome = try shell(
      """
      cp /bin/true "$T/kong"; cp /bin/true "$T/nginx"
      export PATH="$T:$PATH" KONG_PREFIX="$T/prefix" KONG_PROXY_LISTEN=0.0.0.0:80
      start() {
        strace -f -o /dev/null -e trace=fsetxattr -e inject=fsetxattr:retval=0 \\
          "$ENTRYPOINT" --cap-mode $1 --user www-data --proxy "$T/nginx" kong docker-start 2>"$T/log" && echo 0 || echo $?
        grep -o -e 'the call succeeded, but the attribute' -e 'as ambient capability' "$T/log" | sort -u
      }
      start file
      start auto
      """)
    #expect(
      outcome.output == """
        77
        the call succeeded, but the attribute
        0
        as ambient capability
        the call succeeded, but the attribute

        """, "\(outcome.errors)")
  }
}
