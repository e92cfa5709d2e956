package import Nginx
import Text

/// The sockets of a network namespace, as /proc/net/tcp and its like list them (proc_net(5)).
package struct SocketTable: Sendable {
  /// A socket.
  package struct Entry: Equatable, Sendable {
    package var host: ListenHost
    package var port: Int
    package var remoteHost: ListenHost
    package var remotePort: Int
    /// Whether it listens; of UDP, whether it has no other end.
    package var isListening: Bool
    /// The user who made it.
    package var uid: UInt32
    /// The number of its file.
    package var inode: UInt64
  }

  /// The sockets, those that listen first.
  package private(set) var entries: [Entry] = []

  /// Parses a file; lines that are not understood are left out.
  package init(_ text: [UInt8]) {
    for line in text.split(separator: UInt8(ascii: "\n")).dropFirst() {
      if let entry = Entry(line) { entries.append(entry) }
    }
  }
}

extension SocketTable.Entry {
  /// TCP_LISTEN and TCP_CLOSE (include/net/tcp_states.h), in hexadecimal; a socket of UDP is "closed" until
  /// it has another end.
  private static let states = ["0A", "07"]

  fileprivate init?(_ line: ArraySlice<UInt8>) {
    let words = line.split(separator: UInt8(ascii: " "), maxSplits: 10)
    guard words.count > 9, let local = Self.address(words[1]), let remote = Self.address(words[2]),
      let uid = UInt32(String(decoding: words[7], as: UTF8.self)),
      let inode = UInt64(String(decoding: words[9], as: UTF8.self))
    else { return nil }
    (host, port) = local
    (remoteHost, remotePort) = remote
    isListening = Self.states.contains { words[3].equals($0) }
    (self.uid, self.inode) = (uid, inode)
  }

  /// "0100007F:1F90": words of 32 bits in the order of the machine's bytes, and a port.
  private static func address(_ word: ArraySlice<UInt8>) -> (ListenHost, Int)? {
    let parts = word.split(separator: UInt8(ascii: ":"))
    guard parts.count == 2, let port = hexadecimal(parts[1]), port <= 65535 else { return nil }
    var address: UInt128 = 0
    var rest = parts[0]
    guard rest.count == 8 || rest.count == 32 else { return nil }
    while !rest.isEmpty {
      guard let number = hexadecimal(rest.prefix(8)) else { return nil }
      address = address << 32 | UInt128(UInt32(bigEndian: UInt32(number)))
      rest = rest.dropFirst(8)
    }
    return (parts[0].count == 8 ? .ipv4(UInt32(address)) : .ipv6(address), Int(port))
  }

  private static func hexadecimal(_ digits: ArraySlice<UInt8>) -> UInt64? {
    guard (1...8).contains(digits.count) else { return nil }
    return UInt64(String(decoding: digits, as: UTF8.self), radix: 16)
  }
}
