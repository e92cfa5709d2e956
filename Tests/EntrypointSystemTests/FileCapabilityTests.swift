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
