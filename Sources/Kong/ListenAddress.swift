import Nginx
import Text

extension ListenAddress {
  /// Parses `ADDRESS:PORT`: an IPv4 address, an IPv6 address in brackets, a host name or "*".
  ///
  /// A host that consists of digits and dots only must be an IPv4 address, as in Kong.
  static func parse(_ word: ArraySlice<UInt8>) throws(ListenParser.Fault) -> ListenAddress {
    guard let colon = word.lastIndex(of: UInt8(ascii: ":")) else { throw .noPort(word) }
    let host = word[..<colon]
    let digits = word[(colon + 1)...]
    // Most are; nothing else has to be looked for in them.
    if ListenHost.ipv4(host) != nil, let port = port(digits) {
      return .inet(host: String(decoding: host, as: UTF8.self), port: port)
    }
    if host.first == UInt8(ascii: "["), host.last != UInt8(ascii: "]") {
      throw word.last == UInt8(ascii: "]") ? .noPort(word) : .ipv6(word)
    }
    if host.contains(UInt8(ascii: ":")), host.allSatisfy(isInIPv6) { throw .ipv6(word) }
    guard !digits.isEmpty else { throw .noPort(word) }
    guard let port = port(digits) else { throw .port(digits) }
    if let fault = fault(ofHost: host, in: word) { throw fault }
    return .inet(host: String(decoding: host, as: UTF8.self), port: port)
  }

  private static func fault(
    ofHost host: ArraySlice<UInt8>, in word: ArraySlice<UInt8>
  ) -> ListenParser.Fault? {
    if let inner = ListenHost.insideBrackets(host) {
      return ListenHost.ipv6OfKong(inner) == nil ? .ipv6(word) : nil
    }
    if !host.isEmpty, host.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: ".") }) {
      return .ipv4(host)
    }
    return host.equals("*") || ListenHost.isName(host) ? nil : .name(host)
  }

  private static func isInIPv6(_ byte: UInt8) -> Bool {
    isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
      || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
  }
}
