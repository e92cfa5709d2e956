@testable import Kong
@testable import Linux
@testable import Text
import Foundation
import Testing

@Suite("A request for Kong's status")
struct StatusRequestTests {
  /// What is wrong with a server that runs `python` for each connection `c`.
  private func ask(_ python: String) throws -> Explanation? {
    let shell = try Shell()
    defer { shell.remove() }
    let companion = try Companion(
      in: shell.directory,
      """
      import threading
      server = socket(AF_INET, SOCK_STREAM); server.bind(("127.0.0.1", 0)); server.listen(5)
      open("port", "w").write(str(server.getsockname()[1]))
      def serve():
        while True:
          c, _ = server.accept()
          request = c.recv(1000)
          \(python)
          c.close()
      threading.Thread(target=serve, daemon=True).start()
      ready()
      """)
    let port = try String(
      contentsOf: shell.directory.appending(path: "port"), encoding: .utf8)
    let explanation = try StatusRequest.ask(address("127.0.0.1:\(port)"))
    try companion.finish()
    return explanation
  }

  private func address(_ value: String) throws -> StatusAddress {
    let environment = Environment([
      Environment.Variable(name: "KONG_STATUS_LISTEN", value: ByteString(value))
    ])
    return try #require(StatusAddress(environment))
  }

  @Test(
    "finds Kong healthy if it answers 200, in however many pieces",
    arguments: [
      #"c.sendall(b"HTTP/1.1 200 OK\r\n\r\n{}")"#,
      #"c.sendall(b"HT"); c.sendall(b"TP/1.0 20"); c.sendall(b"0 OK\r\n\r\n")"#,
      #"c.sendall(b"HTTP/1.1 200 OK" if request.startswith(b"GET /status HTTP/1.1\r\n") else b"")"#,
    ])
  func healthy(python: String) throws {
    #expect(try ask(python) == nil)
  }

  @Test("says which other status it gets")
  func status() throws {
    let said = try #require(try ask(#"c.sendall(b"HTTP/1.1 503 no\r\n\r\n")"#))
    #expect(said.what.hasSuffix("/status answers 503"))
  }

  @Test(
    "does not take another program for Kong",
    arguments: [
      #"c.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")"#, #"c.sendall(b"HTTP/1.1 2x0 OK")"#,
      #"c.sendall(b"HTTP/1.1 2")"#, "pass",
    ])
  func other(python: String) throws {
    let said = try #require(try ask(python))
    #expect(said.what.hasSuffix("does not answer with HTTP"))
  }

  @Test("says that nothing listens")
  func refused() throws {
    // The discard service, which no machine has today.
    let said = try #require(try StatusRequest.ask(address("127.0.0.1:9")))
    #expect(said.why.hasPrefix("nothing listens there"))
  }
}
