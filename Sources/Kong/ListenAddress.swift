import Nginx
import Text

extension ListenAddress {
  /// Parses `ADDRESS:PORT`: an IPv4 address, an IPv6 address in brackets, a host name or "*".
  ///
  /// A host that consists of digits and dots only must be an IPv4 address, as in Kong.
  static func parse(_ text: String) throws(ListenParser.Fault) -> ListenAddress {
    let bytes = text.utf8
    guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")) else { throw .noPort(text) }
    let host = String(text[..<colon])
    let digits = bytes[bytes.index(after: colon)...]
    if host.utf8.first == UInt8(ascii: "["), host.utf8.last != UInt8(ascii: "]") {
      throw text.hasSuffix("]") ? .noPort(text) : .ipv6(text)
    }
    if host.utf8.contains(UInt8(ascii: ":")), host.utf8.allSatisfy(isInIPv6) { throw .ipv6(text) }
    guard !digits.isEmpty else { throw .noPort(text) }
    guard let port = port(digits) else { throw .port(String(Substring(digits))) }
    if let fault = fault(ofHost: host, in: text) { throw fault }
    return .inet(host: host, port: port)
  }

  private static func fault(ofHost host: String, in text: String) -> ListenParser.Fault? {
    let bytes = host.utf8
    if bytes.first == UInt8(ascii: "[") {
      return ListenHost.ipv6OfKong(bytes.dropFirst().dropLast()) == nil ? .ipv6(text) : nil
    }
    if !bytes.isEmpty, bytes.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: ".") }) {
      return ListenHost.ipv4(bytes[...]) == nil ? .ipv4(host) : nil
    }
    return host == "*" || isName(bytes) ? nil : .name(host)
  }

  private static func isName(_ bytes: String.UTF8View) -> Bool {
    !bytes.isEmpty && bytes.count <= 253
      && bytes.allSatisfy {
        isDigit($0) || isLetter($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
          || $0 == UInt8(ascii: "_")
      }
  }

  private static func isInIPv6(_ byte: UInt8) -> Bool {
    isHexDigit(byte) || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
  }

  private static func isHexDigit(_ byte: UInt8) -> Bool {
    isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
  }
}
