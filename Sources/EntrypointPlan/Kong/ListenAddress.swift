extension ListenAddress {
  /// Parses `ADDRESS:PORT`: an IPv4 address, an IPv6 address in brackets, a host name or "*".
  ///
  /// A host that consists of digits and dots only must be an IPv4 address, as in Kong.
  static func parse(_ text: String) throws(ListenSetting.Fault) -> ListenAddress {
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

  /// A number from 1 to 65535; Kong takes 0, too, and nginx does not.
  static func port(_ digits: Substring.UTF8View) -> Int? {
    guard digits.count <= 5, digits.allSatisfy(isDigit), let port = Int(Substring(digits)) else {
      return nil
    }
    return (1...65535).contains(port) ? port : nil
  }

  private static func fault(ofHost host: String, in text: String) -> ListenSetting.Fault? {
    let bytes = host.utf8
    if bytes.first == UInt8(ascii: "[") {
      return isIPv6(bytes.dropFirst().dropLast()) ? nil : .ipv6(text)
    }
    if !bytes.isEmpty, bytes.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: ".") }) {
      return isIPv4(bytes[...]) ? nil : .ipv4(host)
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

  /// Four numbers from 0 to 255, of at most three digits each.
  private static func isIPv4(_ bytes: Substring.UTF8View) -> Bool {
    var (numbers, digits, value) = (1, 0, 0)
    for byte in bytes {
      if byte == UInt8(ascii: ".") {
        guard digits > 0 else { return false }
        (numbers, digits, value) = (numbers + 1, 0, 0)
      } else {
        guard isDigit(byte) else { return false }
        (digits, value) = (digits + 1, value * 10 + Int(byte - UInt8(ascii: "0")))
        guard digits <= 3, value <= 255 else { return false }
      }
    }
    return numbers == 4 && digits > 0
  }

  /// RFC 4291, section 2.2: eight groups, "::" once for a run of zeros, IPv4 in the last two.
  static func isIPv6(_ bytes: Substring.UTF8View) -> Bool {
    let halves = splitAtDoubleColon(bytes)
    guard halves.count <= 2 else { return false }
    var groups = 0
    for (index, half) in halves.enumerated() where !half.isEmpty {
      let parts = half.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
      for (position, part) in parts.enumerated() {
        let isLast = index == halves.count - 1 && position == parts.count - 1
        if isLast, part.contains(UInt8(ascii: ".")) {
          guard isIPv4(part) else { return false }
          groups += 2
        } else {
          guard (1...4).contains(part.count), part.allSatisfy(isHexDigit) else { return false }
          groups += 1
        }
      }
    }
    return halves.count == 2 ? groups <= 7 : groups == 8
  }

  private static func splitAtDoubleColon(_ bytes: Substring.UTF8View) -> [Substring.UTF8View] {
    var halves: [Substring.UTF8View] = []
    var rest = bytes
    var index = rest.startIndex
    while index < rest.endIndex {
      let next = rest.index(after: index)
      if next < rest.endIndex, rest[index] == UInt8(ascii: ":"), rest[next] == UInt8(ascii: ":") {
        halves.append(rest[..<index])
        rest = rest[rest.index(after: next)...]
        index = rest.startIndex
      } else {
        index = next
      }
    }
    return halves + [rest]
  }

  private static func isInIPv6(_ byte: UInt8) -> Bool {
    isHexDigit(byte) || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
  }

  private static func isHexDigit(_ byte: UInt8) -> Bool {
    isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
  }
}
