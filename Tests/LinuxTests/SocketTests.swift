@testable import Linux
@testable import Text
import Foundation
import Testing

@Suite("Sockets in the prefix")
struct SocketTests {
  /// Makes sockets with `python`, then sweeps while the process that made them still runs.
  private func sweep(
    _ python: String, _ check: (StaleSockets.Report, ByteString, Shell) throws -> Void
  ) throws {
    let shell = try Shell()
    defer { shell.remove() }
    let companion = try Companion(in: shell.directory, python + "\nready()")
    let prefix = ByteString(shell.directory.path)
    try check(StaleSockets.remove(in: prefix), prefix, shell)
    try companion.finish()
  }

  @Test("that nobody listens on are removed, in the prefix and in its directory sockets")
  func stale() throws {
    try sweep(
      """
      os.mkdir("sockets"); os.mkdir("deep"); open("file", "w")
      for path in "a", "sockets/b", "deep/c", "type": bound(path).close()
      os.remove("type"); bound("type", SOCK_DGRAM).close()
      """
    ) { report, prefix, shell in
      let names: [ByteString] = ["/a", "/type", "/sockets/b"]
      #expect(Set(report.removed.shown) == Set(names.map { prefix + $0 }))
      #expect(report.answered.isEmpty && report.left.isEmpty)
      let rest = try shell.run(#"cd "$T"; find . | sort | tr '\n' ' '"#).output
      #expect(rest == ". ./deep ./deep/c ./file ./sockets ")
      let warnings = report.warnings(prefix: prefix)
      #expect(warnings.count == 1 && warnings[0].what.contains("\(prefix)"))
      #expect(StaleSockets.remove(in: prefix) == StaleSockets.Report())
    }
  }

  @Test("that a living process answers on stay: of any type, and with a full queue")
  func living() throws {
    try sweep(
      """
      listening("stream"); listening("packets", SOCK_SEQPACKET)
      keep.append(bound("datagrams", SOCK_DGRAM))
      listening("full", backlog=0)
      while True:
        client = socket(AF_UNIX, SOCK_STREAM); client.setblocking(False); keep.append(client)
        if client.connect_ex("full") == 11: break
      """
    ) { report, prefix, shell in
      let names: [ByteString] = ["/stream", "/packets", "/datagrams", "/full"]
      #expect(Set(report.answered.shown) == Set(names.map { prefix + $0 }))
      #expect(report.removed.isEmpty && report.left.isEmpty)
      let found = try shell.run(#"find "$T" -type s | wc -l"#).output
      #expect(found == "4\n")
      #expect(report.warnings(prefix: prefix).count == 1)
    }
  }

  @Test("are judged with names of any bytes, and with paths longer than a socket's address")
  func names() throws {
    try sweep(
      """
      os.mkdir("sockets"); os.chdir("sockets")
      bound(b"new\\nline\\xff").close(); bound("x" * 100).close()
      listening("y" * 100)
      # rename(2) takes longer names than bind(2).
      bound("short").close(); os.rename("short", "z" * 255)
      """
    ) { report, prefix, shell in
      #expect(report.removed.count == 3 && report.answered.count == 1 && report.left.isEmpty)
      #expect(report.warnings(prefix: prefix)[1].what.contains("new\\x0aline\\xff"))
    }
  }

  @Test("behind a link stay: nothing outside the prefix is examined")
  func links() throws {
    try sweep(
      """
      os.mkdir("prefix"); os.mkdir("outside"); bound("outside/socket").close()
      os.symlink("../outside", "prefix/sockets"); os.symlink("../outside/socket", "prefix/socket")
      """
    ) { _, directory, shell in
      let report = StaleSockets.remove(in: directory + "/prefix")
      #expect(report.removed.isEmpty && report.answered.isEmpty)
      #expect(report.left.shown.map(\.path) == [directory + "/prefix/sockets"])
      let found = try shell.run(#"find "$T" -type s -o -type l | wc -l"#).output
      #expect(found == "3\n")
    }
  }

  @Test("that cannot be removed need no more memory, and no more words, if there are more")
  func flood() throws {
    let outcome = try shell(
      """
      mkdir -p "$T/bin" "$T/p/sockets"; cp /bin/true "$T/bin/nginx"; cp /bin/true "$T/bin/kong"
      cd "$T/p/sockets"; python3 -c '
      import os, stat
      for i in range(100000): os.mknod("x" * 240 + str(i), stat.S_IFSOCK | 0o600)'
      chown -R www-data:root "$T/p"; chmod 500 .; echo 'http { }' > "$T/p/nginx.conf"; cd /
      ulimit -v 100000
      PATH="$T/bin:$PATH" KONG_PREFIX="$T/p" "$ENTRYPOINT" --user www-data --proxy "$T/bin/nginx" \
        kong docker-start 2>&1 | grep -o 'sockets in the prefix.*' | sed "s|$T||; s|xxx*||g"
      echo "${PIPESTATUS[@]}"
      """)
    #expect(outcome.output.hasPrefix("sockets in the prefix /p"), "\(outcome.output)")
    #expect(outcome.output.hasSuffix("\n0 0 0\n"), "\(outcome.output)")
  }

  @Test("that another Kong made while they were judged stay")
  func replaced() throws {
    let outcome = try shell(
      """
      mkdir "$T/bin" "$T/prefix"
      cp /bin/true "$T/bin/kong"; cp /bin/true "$T/bin/nginx"
      export PATH="$T/bin:$PATH" KONG_PREFIX="$T/prefix" ENTRYPOINT_PROXY="$T/bin/nginx"
      cat > "$T/kong.py" <<'PYTHON'
      import os, time
      from socket import *
      def bound(path): s = socket(AF_UNIX); s.bind(path); return s
      bound("prefix/socket").close()
      fresh = bound("fresh"); fresh.listen()
      open("ready", "w")
      while "connect(" not in open("trace").read(): time.sleep(0.01)
      os.rename("fresh", "prefix/socket")
      time.sleep(100)
      PYTHON
      cd "$T"; touch trace; python3 kong.py & until [ -e ready ]; do sleep 0.01; done
      # What was asked is refused at once, but the answer comes two seconds later.
      strace -o trace -e trace=connect -e inject=connect:delay_exit=2000000 \
        "$ENTRYPOINT" --user www-data kong docker-start
      grep -c ECONNREFUSED trace; ls prefix/socket
      kill %1
      """)
    #expect(outcome.output == "1\nprefix/socket\n", "\(outcome.errors)")
  }

  @Test("cause no problem if there is no prefix")
  func absent() throws {
    #expect(StaleSockets.remove(in: "/no/such/prefix") == StaleSockets.Report())
  }
}
