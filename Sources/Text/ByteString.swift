/// Text as the kernel passes it: bytes without a NUL, by habit UTF-8 but not always (environ(7),
/// path_resolution(7)).
///
/// What the program does not interpret stays in this form, so that it leaves as it came.
package struct ByteString: Hashable, Sendable {
  /// The bytes, without the terminating NUL.
  package var bytes: [UInt8]

  /// Copies bytes.
  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// The UTF-8 form of a text.
  package init(_ text: String) {
    self.bytes = Array(text.utf8)
  }

  /// Whether there are no bytes.
  package var isEmpty: Bool { bytes.isEmpty }

  /// Whether the bytes are this text, of which no byte string is made.
  package func equals(_ text: String) -> Bool { bytes.equals(text) }

  /// The text, or nil where the bytes are not UTF-8.
  package var text: String? { ByteString.text(of: bytes[...]) }

  /// The text of bytes, or nil where they are not UTF-8.
  ///
  /// `String(validating:)` is not specialised for bytes, and takes several times as long. Repaired text
  /// has other bytes than those that it was made of.
  package static func text(of bytes: ArraySlice<UInt8>) -> String? {
    let text = String(decoding: bytes, as: UTF8.self)
    if bytes.allSatisfy({ $0 < 0x80 }) { return text }
    return text.utf8.elementsEqual(bytes) ? text : nil
  }

  /// Joins two strings.
  package static func + (left: ByteString, right: ByteString) -> ByteString {
    // An array that grows is made twice.
    var bytes: [UInt8] = []
    bytes.reserveCapacity(left.bytes.count + right.bytes.count)
    bytes += left.bytes
    bytes += right.bytes
    return ByteString(bytes)
  }
}

extension ByteString: ExpressibleByStringLiteral {
  /// The UTF-8 form of a literal.
  package init(stringLiteral value: String) {
    self.init(value)
  }
}

extension ByteString: CustomStringConvertible {
  /// The text in one printable line.
  ///
  /// Control characters, those that turn or break a line, and bytes that are not UTF-8 are written as
  /// `\xNN`, so that a value of the environment cannot forge a line of the log.
  package var description: String {
    if isPrintableASCII { return String(decoding: bytes, as: UTF8.self) }
    // Bytes, not strings: a file can have megabytes of what must be escaped.
    var printable: [UInt8] = []
    var rest = bytes[...]
    while let byte = rest.first {
      if let (scalar, width) = ByteString.firstScalar(of: rest), ByteString.isPrintable(scalar) {
        printable += rest.prefix(width)
        rest = rest.dropFirst(width)
      } else {
        printable += [
          UInt8(ascii: "\\"), UInt8(ascii: "x"), ByteString.hexDigit(byte >> 4),
          ByteString.hexDigit(byte & 0xf),
        ]
        rest = rest.dropFirst()
      }
    }
    return String(decoding: printable, as: UTF8.self)
  }

  /// Whether all bytes are printable ASCII, so that it is printed unchanged.
  package var isPrintableASCII: Bool {
    for byte in bytes where !(0x20..<0x7f).contains(byte) { return false }
    return true
  }

  private static func hexDigit(_ number: UInt8) -> UInt8 {
    number < 10 ? UInt8(ascii: "0") + number : UInt8(ascii: "a") + number - 10
  }

  /// Neither a control character (C0, C1) nor one that breaks a line or changes its direction (Unicode
  /// Standard Annexes 9 and 14).
  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7f..<0xa0, 0x61c, 0x200e...0x200f, 0x2028...0x202e, 0x2066...0x2069: false
    default: true
    }
  }

  /// The scalar that UTF-8 begins with, and how many bytes it has; nil where it begins with none
  /// (RFC 3629, section 3: none is longer than it need be).
  private static func firstScalar(
    of bytes: ArraySlice<UInt8>
  ) -> (scalar: Unicode.Scalar, width: Int)? {
    guard let first = bytes.first else { return nil }
    let (width, least): (Int, UInt32)
    switch first {
    case ..<0x80: return (Unicode.Scalar(first), 1)
    case 0xc0..<0xe0: (width, least) = (2, 0x80)
    case 0xe0..<0xf0: (width, least) = (3, 0x800)
    case 0xf0..<0xf8: (width, least) = (4, 0x10000)
    default: return nil
    }
    guard bytes.count >= width else { return nil }
    var value = UInt32(first) & (0x7f >> UInt32(width))
    for byte in bytes.prefix(width).dropFirst() {
      guard byte & 0xc0 == 0x80 else { return nil }
      value = value << 6 | UInt32(byte & 0x3f)
    }
    guard value >= least, let scalar = Unicode.Scalar(value) else { return nil }
    return (scalar, width)
  }
}
