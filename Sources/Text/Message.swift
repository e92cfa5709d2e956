/// A value as bytes, for a pipe from a process that is not trusted.
///
/// A number has four bytes, little-endian; a text its length before its bytes, and a list its count
/// before its elements.
package struct MessageWriter {
  /// What was written.
  package private(set) var bytes: [UInt8] = []

  /// Nothing is written yet.
  package init() {}

  package mutating func number(_ number: Int) {
    let value = UInt32(clamping: number)
    bytes.append(UInt8(truncatingIfNeeded: value))
    bytes.append(UInt8(truncatingIfNeeded: value >> 8))
    bytes.append(UInt8(truncatingIfNeeded: value >> 16))
    bytes.append(UInt8(truncatingIfNeeded: value >> 24))
  }

  package mutating func flag(_ flag: Bool) { number(flag ? 1 : 0) }

  package mutating func text(_ text: ByteString) {
    number(text.bytes.count)
    bytes += text.bytes
  }

  package mutating func text(_ text: String) {
    number(text.utf8.count)
    bytes += text.utf8
  }

  package mutating func list<Element>(
    _ elements: [Element], _ write: (inout MessageWriter, Element) -> Void
  ) {
    number(elements.count)
    for element in elements { write(&self, element) }
  }

  /// A value that may not be there.
  package mutating func optional<Value>(
    _ value: Value?, _ write: (inout MessageWriter, Value) -> Void
  ) {
    flag(value != nil)
    if let value { write(&self, value) }
  }
}

/// The bytes are not a message: garbage, or something that no honest sender writes.
package struct MalformedMessage: Error, Equatable {
  /// There is only one kind.
  package init() {}
}

/// Takes a message apart, and believes nothing: each number, length and count has a limit, and text
/// that is shown must be printable.
package struct MessageReader {
  private let bytes: [UInt8]
  private var position = 0

  /// Reads these bytes from their beginning.
  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// A number in a range.
  package mutating func number(_ range: ClosedRange<Int>) throws(MalformedMessage) -> Int {
    guard bytes.count - position >= 4 else { throw MalformedMessage() }
    let value =
      Int(bytes[position]) | Int(bytes[position + 1]) << 8 | Int(bytes[position + 2]) << 16
      | Int(bytes[position + 3]) << 24
    guard range.contains(value) else { throw MalformedMessage() }
    position += 4
    return value
  }

  package mutating func flag() throws(MalformedMessage) -> Bool { try number(0...1) == 1 }

  /// Any bytes, to be shown by their description only.
  package mutating func bytes(limit: Int) throws(MalformedMessage) -> ByteString {
    let count = try number(0...limit)
    guard bytes.count - position >= count else { throw MalformedMessage() }
    defer { position += count }
    return ByteString(Array(bytes[position..<(position + count)]))
  }

  /// Text that is printable unchanged.
  package mutating func text(limit: Int) throws(MalformedMessage) -> String {
    let bytes = try bytes(limit: limit)
    let text = bytes.description
    guard bytes.isPrintableASCII || text.utf8.elementsEqual(bytes.bytes) else {
      throw MalformedMessage()
    }
    return text
  }

  package mutating func list<Element>(
    limit: Int, _ read: (inout MessageReader) throws(MalformedMessage) -> Element
  ) throws(MalformedMessage) -> [Element] {
    let count = try number(0...limit)
    var elements: [Element] = []
    for _ in 0..<count { elements.append(try read(&self)) }
    return elements
  }

  package mutating func optional<Value>(
    _ read: (inout MessageReader) throws(MalformedMessage) -> Value
  ) throws(MalformedMessage) -> Value? {
    try flag() ? try read(&self) : nil
  }

  /// Whether all was read.
  package var isAtEnd: Bool { position == bytes.count }
}

/// What can be handed over by a process that is not trusted.
package protocol Message {
  /// Writes all that ``init(from:)`` reads.
  func write(to writer: inout MessageWriter)
  /// Reads a value that an honest sender could have written.
  init(from reader: inout MessageReader) throws(MalformedMessage)
}

extension Message {
  /// The value as bytes.
  package var message: [UInt8] {
    var writer = MessageWriter()
    write(to: &writer)
    return writer.bytes
  }

  /// The value of a whole message; nil if the bytes are not one.
  package init?(message: [UInt8]) {
    var reader = MessageReader(message)
    do throws(MalformedMessage) {
      self = try Self(from: &reader)
    } catch {
      return nil
    }
    guard reader.isAtEnd else { return nil }
  }
}

/// A message of one bit.
extension Bool: Message {
  /// Writes a number, 0 or 1.
  package func write(to writer: inout MessageWriter) { writer.flag(self) }
  /// Reads no other number.
  package init(from reader: inout MessageReader) throws(MalformedMessage) {
    self = try reader.flag()
  }
}

extension Explanation: Message {
  /// In bytes: each part of an explanation is cut before that.
  package static let messageLimit = 2100

  /// Writes the three parts.
  package func write(to writer: inout MessageWriter) {
    writer.text(what)
    writer.text(why)
    writer.list(waysOut) { $0.text($1) }
  }

  /// Reads at most eight ways out.
  package init(from reader: inout MessageReader) throws(MalformedMessage) {
    self.init(what: "", why: "", waysOut: [])
    what = try reader.text(limit: Explanation.messageLimit)
    why = try reader.text(limit: Explanation.messageLimit)
    waysOut = try reader.list(limit: 8) { reader throws(MalformedMessage) in
      try reader.text(limit: Explanation.messageLimit)
    }
  }
}

/// A message of many.
extension Array: Message where Element: Message {
  /// More are neither written nor read.
  private static var limit: Int { 1000 }

  /// Writes the elements one after another.
  package func write(to writer: inout MessageWriter) {
    writer.list(Array(prefix(Self.limit))) { $1.write(to: &$0) }
  }

  /// Reads them.
  package init(from reader: inout MessageReader) throws(MalformedMessage) {
    self = try reader.list(limit: Self.limit) { reader throws(MalformedMessage) in
      try Element(from: &reader)
    }
  }
}
