import Text

/// A pattern of glob(7) for one name, read once for all names of a directory.
///
/// As glibc's fnmatch(3) reads it in the locale C, with FNM_PERIOD: a leading dot is matched by a dot only. A
/// release has another C library than nginx. A pattern is abandoned if its brackets have an error, or what
/// locales define: there glibc reads on from where the name first matched.
struct NamePattern {
  /// The bytes that may stand at a place of the name; nil for "*".
  private var places: [ByteSet?] = []
  /// Whether the pattern itself begins with a dot.
  private var beginsWithDot = false

  /// Reads a pattern; nil if it is abandoned.
  init?(_ pattern: ByteString) {
    // Glibc takes a dot for a leading one there, although it stands further on.
    let wild = pattern.bytes.prefix { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") }
    let isMistaken =
      wild.first == UInt8(ascii: "*") && wild.contains(UInt8(ascii: "?"))
      && pattern.bytes.dropFirst(wild.count).first == UInt8(ascii: "[")
    if isMistaken { return nil }
    var reader = Reader(rest: pattern.bytes[...])
    while let byte = reader.next() {
      switch byte {
      case UInt8(ascii: "*"): places.append(nil)
      case UInt8(ascii: "?"): places.append(.all)
      case UInt8(ascii: "["):
        guard let set = reader.bracket() else { return nil }
        places.append(set)
      case UInt8(ascii: "\\"):
        guard let escaped = reader.next() else { return nil }
        append(escaped)
      default: append(byte)
      }
    }
  }

  private mutating func append(_ byte: UInt8) {
    if places.isEmpty { beginsWithDot = byte == UInt8(ascii: ".") }
    places.append(ByteSet(byte...byte))
  }

  /// Whether a name matches.
  ///
  /// Only the last "*" has to be tried again with more bytes: what stands before it
  /// has matched as early as it can.
  func matches(_ name: ByteString) -> Bool {
    let bytes = name.bytes
    if bytes.first == UInt8(ascii: "."), !beginsWithDot { return false }
    var (place, position) = (0, 0)
    var retry: (place: Int, position: Int)?
    while position < bytes.count {
      if place < places.count, let set = places[place], set.contains(bytes[position]) {
        place += 1
        position += 1
      } else if place < places.count, places[place] == nil {
        place += 1
        retry = (place, position)
      } else if let last = retry {
        retry = (last.place, last.position + 1)
        (place, position) = (last.place, last.position + 1)
      } else {
        return false
      }
    }
    return places[place...].allSatisfy { $0 == nil }
  }
}

/// A set of values of a byte.
private struct ByteSet: Equatable {
  private var words: SIMD4<UInt64> = .zero

  static let all = ByteSet(0...UInt8.max)

  init(_ range: ClosedRange<UInt8>? = nil) {
    guard let range else { return }
    for byte in range { words[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }
  }

  func contains(_ byte: UInt8) -> Bool { words[Int(byte >> 6)] >> UInt64(byte & 63) & 1 != 0 }

  mutating func formUnion(_ other: ByteSet) { words |= other.words }

  var inverted: ByteSet {
    var set = self
    set.words = ~words
    return set
  }
}

/// Reads brackets.
private struct Reader {
  var rest: ArraySlice<UInt8>

  mutating func next() -> UInt8? { rest.popFirst() }

  /// What follows a "[": the set, a "[" itself if the bracket has no end; nil if the pattern is abandoned.
  mutating func bracket() -> ByteSet? {
    let start = rest
    let isNegated = rest.first == UInt8(ascii: "!") || rest.first == UInt8(ascii: "^")
    if isNegated { rest.removeFirst() }
    var set = ByteSet()
    // A "]" that stands first is an item.
    repeat {
      guard let byte = next() else {
        rest = start
        return ByteSet(UInt8(ascii: "[")...UInt8(ascii: "["))
      }
      guard let item = item(byte) else { return nil }
      set.formUnion(item)
    } while rest.first != UInt8(ascii: "]")
    rest.removeFirst()
    return isNegated ? set.inverted : set
  }

  /// A byte, a range of bytes, or a class, of which the first byte has been read.
  private mutating func item(_ first: UInt8) -> ByteSet? {
    var first = first
    if first == UInt8(ascii: "["), let kind = rest.first, ":=.".utf8.contains(kind) {
      return kind == UInt8(ascii: ":") ? characterClass() : nil
    }
    if first == UInt8(ascii: "\\") {
      guard let escaped = next() else { return nil }
      first = escaped
    }
    let isRange =
      rest.first == UInt8(ascii: "-") && rest.dropFirst().first != UInt8(ascii: "]")
    guard isRange else { return ByteSet(first...first) }
    rest.removeFirst()
    guard var last = next(), last != UInt8(ascii: "[") else { return nil }
    if last == UInt8(ascii: "\\") {
      guard let escaped = next() else { return nil }
      last = escaped
    }
    return first <= last ? ByteSet(first...last) : ByteSet()
  }

  /// A class such as "[:alpha:]", of which the "[" has been read; nil if there is none of that name.
  private mutating func characterClass() -> ByteSet? {
    for (name, ranges) in Reader.classes where rest.starts(with: name.utf8) {
      rest.removeFirst(name.utf8.count)
      var set = ByteSet()
      var bounds = ranges.utf8.makeIterator()
      while let first = bounds.next(), let last = bounds.next() {
        set.formUnion(ByteSet(first...last))
      }
      return set
    }
    return nil
  }

  /// The classes of the locale C (isalpha(3)), each with the first and the last byte of its ranges.
  private static var classes: [(name: String, ranges: String)] {
    [
      (":alnum:]", "09AZaz"), (":alpha:]", "AZaz"), (":blank:]", "\t\t  "),
      (":cntrl:]", "\0\u{1f}\u{7f}\u{7f}"), (":digit:]", "09"), (":graph:]", "!~"),
      (":lower:]", "az"), (":print:]", " ~"), (":punct:]", "!/:@[`{~"), (":space:]", "\t\r  "),
      (":upper:]", "AZ"), (":xdigit:]", "09AFaf"),
    ]
  }
}
