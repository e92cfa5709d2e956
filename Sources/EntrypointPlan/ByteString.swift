/// Text as the kernel passes it: bytes without a NUL, by habit UTF-8 but not always (environ(7),
/// path_resolution(7)).
///
/// What the program does not interpret stays in this form, so that it leaves as it came.
public struct ByteString: Hashable, Sendable {
  /// The bytes, without the terminating NUL.
  public var bytes: [UInt8]

  /// Copies bytes.
  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// The UTF-8 form of a text.
  public init(_ text: String) {
    self.bytes = Array(text.utf8)
  }

  /// Whether there are no bytes.
  public var isEmpty: Bool { bytes.isEmpty }

  /// The text, or nil where the bytes are not UTF-8.
  public var text: String? { ByteString.text(of: bytes[...]) }

  /// The text of bytes, or nil where they are not UTF-8.
  ///
  /// `String(validating:)` is not specialised for bytes, and takes several times as long. Repaired text
  /// has other bytes than those that it was made of.
  static func text(of bytes: ArraySlice<UInt8>) -> String? {
    let text = String(decoding: bytes, as: UTF8.self)
    return text.utf8.elementsEqual(bytes) ? text : nil
  }

  /// Joins two strings.
  public static func + (left: ByteString, right: ByteString) -> ByteString {
    ByteString(left.bytes + right.bytes)
  }
}

extension ByteString: ExpressibleByStringLiteral {
  /// The UTF-8 form of a literal.
  public init(stringLiteral value: String) {
    self.init(value)
  }
}

extension ByteString: CustomStringConvertible {
  /// The text in one printable line.
  ///
  /// Control characters, those that turn or break a line, and bytes that are not UTF-8 are written as
  /// `\xNN`, so that a value of the environment cannot forge a line of the log.
  public var description: String {
    if bytes.allSatisfy({ (0x20..<0x7f).contains($0) }) {
      return String(decoding: bytes, as: UTF8.self)
    }
    var printable = ""
    var rest = bytes[...]
    while let byte = rest.first {
      let width = ByteString.scalarWidth(byte)
      if let scalar = ByteString.text(of: rest.prefix(width)),
        scalar.unicodeScalars.allSatisfy(ByteString.isPrintable)
      {
        printable += scalar
        rest = rest.dropFirst(width)
      } else {
        let digits = String(byte, radix: 16)
        printable += "\\x" + (digits.count == 1 ? "0" + digits : digits)
        rest = rest.dropFirst()
      }
    }
    return printable
  }

  /// Neither a control character (C0, C1) nor one that breaks a line or changes its direction (Unicode
  /// Standard Annexes 9 and 14).
  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7f..<0xa0, 0x61c, 0x200e...0x200f, 0x2028...0x202e, 0x2066...0x2069: false
    default: true
    }
  }

  /// How many bytes the UTF-8 scalar has that begins with `byte` (RFC 3629, section 3).
  private static func scalarWidth(_ byte: UInt8) -> Int {
    switch byte {
    case 0xf0...: 4
    case 0xe0...: 3
    case 0xc0...: 2
    default: 1
    }
  }
}
