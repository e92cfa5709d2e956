import EntrypointPlan
import SystemPackage
import Testing

@testable import EntrypointSystem

@Suite("File capabilities")
struct FileCapabilityTests {
  private let wanted = CapabilitySet([.netBindService, .netRaw])

  /// A copy of a program in a fresh directory, as a plan would know it.
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
      try FileCapabilities.write(wanted, to: file)
      let text = try shell.run(#"getcap "$T/program""#).output
      #expect(text.hasSuffix(" cap_net_bind_service,cap_net_raw=ep\n"))
      guard case .found(let after) = try ProgramSearch.find(file.path, path: nil) else { return }
      #expect(after.capabilities == FileCapabilities(permitted: wanted, effective: true, rootID: 0))
      try FileCapabilities.write(nil, to: after)
      #expect(try shell.run(#"getcap "$T/program""#).output.isEmpty)
    }
  }

  @Test("are never written through a link, nor to a file that took the planned one's place")
  func links() throws {
    try withProgram { file, shell in
      _ = try shell.run(
        #"cp /bin/true "$T/victim"; ln -sf "$T/victim" "$T/program""#)
      #expect(throws: SystemCallFailure.self) { try FileCapabilities.write(wanted, to: file) }
      _ = try shell.run(#"rm "$T/program"; cp "$T/victim" "$T/program""#)
      #expect(throws: SystemCallFailure.self) { try FileCapabilities.write(wanted, to: file) }
      #expect(try shell.run(#"getcap "$T/victim" "$T/program""#).output.isEmpty)
    }
  }

  @Test("cannot go where others could put another program: the first such component is found")
  func writableComponent() throws {
    try withProgram { file, shell in
      let lookup = { () -> ByteString? in
        guard case .found(let file) = try ProgramSearch.findProxy(file.path) else { return "lost" }
        return file.writableComponent
      }
      #expect(try lookup() == nil, "a sticky directory of root's, such as /tmp, is no way in")
      _ = try shell.run(#"chmod g+w "$T""#)
      #expect(try lookup() == ByteString(shell.directory.path))
      _ = try shell.run(#"chmod g-w "$T"; chown 33 "$T/program""#)
      #expect(try lookup() == file.path)
    }
  }

  @Test("of a script do not count: it has ambient ones; that is said once it is true")
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

  @Test("that cannot be written end the start with the capability, the file and another way")
  func unwritable() throws {
    try withProgram { file, shell in
      _ = try shell.run(#"cp "$T/program" "$T/other"; mv "$T/other" "$T/program""#)
      let executor = Executor(
        environment: EnvironmentBlock(CStrings(nil)), names: .ofRunningKernel(),
        log: Log(level: .error, format: .text))
      let failure = #expect(throws: StartFailure.self) {
        try executor.run([.setFileCapabilities(wanted, file)])
      }
      #expect(failure?.status == 77)
      #expect(
        failure?.explanation?.what
          == "cap_net_bind_service,cap_net_raw cannot be written to \(file.path)")
      #expect(failure?.explanation?.waysOut.first?.hasPrefix("--cap-mode ambient") == true)
    }
  }

  @Test("are known to be impossible on a nosuid, a read-only and an attribute-less file system")
  func mounts() throws {
    for (options, mode) in [("nosuid", "ambient"), ("ro", "ambient"), ("exec", "file")] {
      let outcome = try shell(
        """
        mkdir "$T/m"; mount -t tmpfs none "$T/m"; cp /bin/true "$T/m/nginx"; cp /bin/true "$T/m/kong"
        mount -o remount,\(options) "$T/m"
        KONG_PROXY_LISTEN=0.0.0.0:80 PATH="$T/m:$PATH" "$ENTRYPOINT" --dry-run --format json \
          --user www-data --proxy "$T/m/nginx" kong docker-start | jq -r .grant.mode
        """)
      #expect(outcome.output == "\(mode)\n", "\(options): \(outcome.errors)")
    }
  }
}
