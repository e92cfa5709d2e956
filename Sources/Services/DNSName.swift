import Text

/// A full name of the DNS (RFC 1035, section 3.1), of which capitals and small letters are the same.
package struct DNSName: Hashable, Sendable {
  /// Each label after its length, with small letters, and a zero at the end.
  package let wire: [UInt8]

  /// In bytes, with the lengths and the zero (RFC 1035, section 2.3.4).
  private static let limit = 255

  /// Reads "db.example", with or without a dot at its end; nil if it is not a name.
  package init?(_ text: ArraySlice<UInt8>) {
    let dot = UInt8(ascii: ".")
    let labels = (text.last == dot ? text.dropLast() : text).split(
      separator: dot, omittingEmptySubsequences: false)
    var wire: [UInt8] = []
    for label in labels {
      guard (1...63).contains(label.count) else { return nil }
      wire.append(UInt8(label.count))
      wire += label.lazy.map { lowercased($0) }
    }
    wire.append(0)
    guard wire.count <= DNSName.limit else { return nil }
    self.wire = wire
  }

  /// Reads a name in a message, and goes on behind it; nil if it is malformed.
  ///
  /// A name can end in a reference to an earlier one (RFC 1035, section 4.1.4). Each reference leads further
  /// back than the one before, so that there is no loop.
  init?(_ message: [UInt8], at position: inout Int) {
    var wire: [UInt8] = []
    var (start, end) = (position, Int?.none)
    var index = position
    while true {
      guard index < message.count else { return nil }
      let length = Int(message[index])
      if length == 0 { break }
      if length & 0xc0 == 0xc0 {
        guard index + 1 < message.count else { return nil }
        let target = (length & 0x3f) << 8 | Int(message[index + 1])
        guard target < start else { return nil }
        end = end ?? index + 2
        (start, index) = (target, target)
      } else {
        guard length <= 63, index + 1 + length <= message.count,
          wire.count + 1 + length < DNSName.limit
        else { return nil }
        wire.append(UInt8(length))
        wire += message[(index + 1)...].prefix(length).lazy.map { lowercased($0) }
        index += 1 + length
      }
    }
    position = end ?? index + 1
    self.wire = wire + [0]
  }
}

extension DNSName: CustomStringConvertible {
  /// The labels with dots between them, in one printable line.
  package var description: String {
    var text: [UInt8] = []
    var rest = wire[...]
    while let length = rest.first, length > 0 {
      if !text.isEmpty { text.append(UInt8(ascii: ".")) }
      text += rest.dropFirst().prefix(Int(length))
      rest = rest.dropFirst(1 + Int(length))
    }
    return text.isEmpty ? "." : ByteString(text).description
  }
}
