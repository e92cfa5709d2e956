import Text

/// The host of a listener's address as the kernel gets it: two spellings of one address are equal.
package enum ListenHost: Hashable, Sendable {
  /// As a number, the first of the four in its highest byte.
  case ipv4(UInt32)
  /// As a number.
  case ipv6(UInt128)
  /// A host name in small letters; what it resolves to is not known.
  case name(String)

  /// Takes the host of a ``ListenAddress``: "0.0.0.0", "*", "[::]", "localhost".
  package init(_ host: String) {
    let bytes = Array(host.utf8)[...]
    if bytes.equals("*") {
      self = .ipv4(0)
    } else if let inner = ListenHost.insideBrackets(bytes),
      let address = ListenHost.ipv6(inner) ?? ListenHost.ipv6OfKong(inner)
    {
      self = .ipv6(address)
    } else if let address = ListenHost.ipv4(bytes) ?? ListenHost.ipv4(bytes, asNginx: true) {
      self = .ipv4(address)
    } else {
      self = .name(host.lowercasedASCII)
    }
  }

  /// Whether it is an IPv6 address.
  package var isIPv6: Bool { if case .ipv6 = self { true } else { false } }

  /// What stands between the brackets of "[::1]"; nil where there are none.
  package static func insideBrackets(_ host: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    host.first == UInt8(ascii: "[") && host.last == UInt8(ascii: "]") && host.count > 1
      ? host.dropFirst().dropLast() : nil
  }

  /// Whether the bytes can be the name of a host, of at most 253 letters (RFC 1035, section 2.3.4).
  package static func isName(_ bytes: ArraySlice<UInt8>) -> Bool {
    (1...253).contains(bytes.count)
      && bytes.allSatisfy {
        isDigit($0) || isLetter($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
          || $0 == UInt8(ascii: "_")
      }
  }

  /// Four decimal numbers from 0 to 255, of one to three digits each.
  ///
  /// - Parameter asNginx: take any number of digits, and none for 0, as ngx_inet_addr() does.
  package static func ipv4(_ bytes: ArraySlice<UInt8>, asNginx: Bool = false) -> UInt32? {
    var (numbers, digits, value) = (1, 0, UInt32(0))
    var address: UInt32 = 0
    for byte in bytes {
      if byte == UInt8(ascii: ".") {
        guard digits > 0 || asNginx, numbers < 4 else { return nil }
        address = address << 8 | value
        (numbers, digits, value) = (numbers + 1, 0, 0)
      } else {
        guard isDigit(byte) else { return nil }
        (digits, value) = (digits + 1, value * 10 + UInt32(byte - UInt8(ascii: "0")))
        guard digits <= 3 || asNginx, value <= 255 else { return nil }
      }
    }
    return numbers == 4 && (digits > 0 || asNginx) ? address << 8 | value : nil
  }

  /// RFC 4291, section 2.2: eight groups, "::" once for a run of zeros, IPv4 in the last two.
  package static func ipv6(_ bytes: ArraySlice<UInt8>) -> UInt128? {
    let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard (3...9).contains(parts.count) else { return nil }
    var groups = IPv6Groups()
    for (index, part) in parts.enumerated() {
      let isLast = index == parts.count - 1
      if part.isEmpty {
        if index == 0 || isLast {
          // One of the two colons of a "::".
          guard parts[index == 0 ? 1 : index - 1].isEmpty else { return nil }
        } else {
          guard groups.beginRun() else { return nil }
        }
      } else if isLast, part.contains(UInt8(ascii: ".")) {
        guard let address = ipv4(part) else { return nil }
        groups.append(UInt128(address >> 16))
        groups.append(UInt128(address & 0xffff))
      } else {
        guard groups.append(part) else { return nil }
      }
    }
    return groups.address(shortestRun: 1)
  }

  /// An address that Kong takes, which is not the same: without IPv4 in it, a lone colon at an end
  /// follows a zero, and "::" may stand for nothing (kong/tools/ip.lua, `normalize_ipv6`).
  package static func ipv6OfKong(_ bytes: ArraySlice<UInt8>) -> UInt128? {
    let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard (3...9).contains(parts.count) else { return nil }
    var groups = IPv6Groups()
    for (index, part) in parts.enumerated() {
      if !part.isEmpty {
        guard groups.append(part) else { return nil }
      } else if index == 0 || index == parts.count - 1 {
        groups.append(0)
      } else {
        guard groups.beginRun() else { return nil }
      }
    }
    return groups.address(shortestRun: 0)
  }
}

extension ListenHost {
  /// As one writes it: "192.0.2.1", "2001:db8::1" (RFC 5952), a name.
  package var text: String {
    switch self {
    case .name(let name): return name
    case .ipv4(let address):
      let numbers = [24, 16, 8, 0].map { String(address >> UInt32($0) & 0xff) }
      return numbers.joined(separator: ".")
    case .ipv6(let address):
      let groups = (0..<8).map { UInt16(truncatingIfNeeded: address >> UInt128(112 - 16 * $0)) }
      let zeros = ListenHost.longestZeros(groups)
      let texts = groups.map { String($0, radix: 16) }
      guard zeros.count > 1 else { return texts.joined(separator: ":") }
      return Array(texts[..<zeros.lowerBound]).joined(separator: ":") + "::"
        + Array(texts[zeros.upperBound...]).joined(separator: ":")
    }
  }

  /// With a port: "192.0.2.1:80", "[2001:db8::1]:80".
  package func text(port: Int) -> String { isIPv6 ? "[\(text)]:\(port)" : "\(text):\(port)" }

  /// Whether it stands for every address of its family.
  package var isWildcard: Bool { self == .ipv4(0) || self == .ipv6(0) }

  /// Whether it is an address of IPv6 that only means something together with an interface (fe80::/10).
  package var isLinkLocal: Bool {
    if case .ipv6(let address) = self { address >> 118 == 0x3fa } else { false }
  }

  /// Whether only this machine reaches it.
  package var isLoopback: Bool {
    switch self {
    case .ipv4(let address): address >> 24 == 127
    case .ipv6(let address): address == 1
    case .name: false
    }
  }

  private static func longestZeros(_ groups: [UInt16]) -> Range<Int> {
    var (longest, start) = (0..<0, 0)
    for (index, group) in groups.enumerated() {
      if group != 0 { start = index + 1 }
      if index + 1 - start > longest.count { longest = start..<(index + 1) }
    }
    return longest
  }
}

/// The groups of an IPv6 address while it is read.
private struct IPv6Groups {
  private var value: UInt128 = 0
  private var count = 0
  /// How many groups stand before the "::".
  private var run: Int?

  /// Takes up to four hexadecimal digits; false for anything else.
  mutating func append(_ digits: ArraySlice<UInt8>) -> Bool {
    guard (1...4).contains(digits.count) else { return false }
    var group: UInt128 = 0
    for byte in digits {
      guard let digit = IPv6Groups.hexDigit(byte) else { return false }
      group = group << 4 | UInt128(digit)
    }
    append(group)
    return true
  }

  mutating func append(_ group: UInt128) {
    value = value << 16 | group
    count += 1
  }

  /// Takes a "::"; false where there was one.
  mutating func beginRun() -> Bool {
    guard run == nil else { return false }
    run = count
    return true
  }

  func address(shortestRun: Int) -> UInt128? {
    guard let run else { return count == 8 ? value : nil }
    guard count + shortestRun <= 8 else { return nil }
    let tailBits = 16 * (count - run)
    let tail = value & ((1 << tailBits) - 1)
    return (value >> tailBits) << (16 * (8 - run)) | tail
  }

  private static func hexDigit(_ byte: UInt8) -> UInt8? {
    if isDigit(byte) { return byte - UInt8(ascii: "0") }
    let letter = byte | 0x20
    return (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(letter)
      ? letter - UInt8(ascii: "a") + 10 : nil
  }
}
