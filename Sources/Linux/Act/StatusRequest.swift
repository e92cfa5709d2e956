package import Kong
package import Text

/// A request for /status, which Kong's status listener and Admin API answer with 200.
package enum StatusRequest {
  /// In milliseconds; shorter than the time that a health check has.
  private static let patience = 3000

  /// Asks.
  ///
  /// - Returns: nil if Kong is healthy; otherwise what is wrong.
  package static func ask(_ address: StatusAddress) -> Explanation? {
    let url = "http://\(address.endpoint)/status"
    let what = "Kong is not healthy: \(url)"
    let waysOut = ["see what Kong has logged", "ask Kong itself: entrypoint kong health"]
    do throws(Errno) {
      guard let status = try status(at: address) else {
        return Explanation(
          what: "\(what) does not answer with HTTP",
          why: "another program listens there, or the connection ended", waysOut: waysOut)
      }
      guard status != 200 else { return nil }
      return Explanation(
        what: "\(what) answers \(status)", why: "a Kong that serves answers 200", waysOut: waysOut)
    } catch {
      let why =
        switch error {
        case .connectionRefused: "nothing listens there: Kong has not started yet, or has ended"
        case .timedOut:
          "it took longer than \(patience / 1000) s: nginx is stopped, or its workers are busy"
        default: "the connection failed: \(error)"
        }
      return Explanation(what: "\(what) does not answer", why: why, waysOut: waysOut)
    }
  }

  /// The status of the answer; nil if it is no HTTP.
  private static func status(at address: StatusAddress) throws(Errno) -> Int? {
    guard let server = SocketAddress(address.host, port: UInt16(address.port)) else { return nil }
    let deadline = MonotonicTime.now + patience
    let socket = try Socket(for: server, blocks: false)
    try socket.connect(to: server, until: deadline)
    try socket.send(
      Array("GET /status HTTP/1.1\r\nHost: \(address.endpoint)\r\nConnection: close\r\n\r\n".utf8))
    var line: [UInt8] = []
    while line.count < 12 {
      let piece = try socket.receive(upTo: 12 - line.count, until: deadline)
      if piece.isEmpty { break }
      line += piece
    }
    return status(in: line)
  }

  /// "HTTP/1.1 200" (RFC 9112, section 4).
  private static func status(in line: [UInt8]) -> Int? {
    guard line.count == 12, line.starts(with: "HTTP/1.".utf8), line[8] == UInt8(ascii: " ") else {
      return nil
    }
    var status = 0
    for byte in line[9...] {
      guard isDigit(byte) else { return nil }
      status = status * 10 + Int(byte - UInt8(ascii: "0"))
    }
    return status
  }
}
