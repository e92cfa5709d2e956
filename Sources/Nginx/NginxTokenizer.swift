import Text

/// A word of an nginx configuration: where it stands, without its quotes.
package struct NginxWord: Hashable, Sendable {
  /// The bytes as they are written, escapes and all.
  var range: Range<Int>
  /// The line it begins on, the first of a file being 1.
  var line: Int
}

/// Why a file is not an nginx configuration.
package struct NginxSyntaxError: Error, Hashable, Sendable {
  /// The line where it shows, the first of a file being 1.
  var line: Int
  /// What is wrong, as a phrase.
  var reason: String
}

/// Splits an nginx configuration into words and marks, as nginx's ngx_conf_read_token() does
/// (src/core/ngx_conf_file.c).
///
/// - A "#" begins a comment only where a word could begin.
/// - A quote opens a string only where a word could begin, and after the string there must be a
///   blank, ";", "{" or ")".
/// - "}" is a mark only where a word could begin, so `80}` is a word.
/// - The brace of "${" belongs to the word.
/// - A backslash takes the meaning of the byte after it. It stays in the word, except before a
///   quote and a backslash, and in \t, \r and \n.
///
/// - A word longer than ``wordLimit`` ends the file (NGX_CONF_BUFFER).
struct NginxTokenizer {
  enum Token: Equatable {
    case word(NginxWord)
    case semicolon
    case open
    case close
  }

  /// The longest word that nginx reads, in bytes, escapes and all, without its quotes.
  static let wordLimit = 4095

  let bytes: [UInt8]
  /// Where the next token is looked for.
  private(set) var position = 0
  private(set) var line = 1
  private var needsSeparator = false

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// Goes on behind text that another grammar has read.
  mutating func skip(to position: Int, lines: Int) {
    self.position = position
    line += lines
  }

  /// - Returns: nil at the end of the file.
  mutating func next() throws(NginxSyntaxError) -> Token? {
    if needsSeparator { try checkSeparator() }
    skipBlanksAndComments()
    guard position < bytes.count else { return nil }
    switch bytes[position] {
    case UInt8(ascii: ";"):
      position += 1
      return .semicolon
    case UInt8(ascii: "{"):
      position += 1
      return .open
    case UInt8(ascii: "}"):
      position += 1
      return .close
    case UInt8(ascii: "\""), UInt8(ascii: "'"): return .word(try string())
    default: return .word(try plainWord())
    }
  }

  private mutating func checkSeparator() throws(NginxSyntaxError) {
    needsSeparator = false
    guard position < bytes.count else { return }
    switch bytes[position] {
    case UInt8(ascii: ";"), UInt8(ascii: "{"), UInt8(ascii: ")"): return
    case let byte where NginxTokenizer.isBlank(byte): return
    case let byte:
      throw NginxSyntaxError(
        line: line, reason: "\"\(ByteString([byte]))\" follows a string without a blank in between")
    }
  }

  private mutating func skipBlanksAndComments() {
    while position < bytes.count {
      switch bytes[position] {
      case newline:
        line += 1
        position += 1
      case 0x20, 0x09, 0x0d: position += 1
      case UInt8(ascii: "#"): position = bytes[position...].firstIndex(of: newline) ?? bytes.count
      default: return
      }
    }
  }

  private mutating func string() throws(NginxSyntaxError) -> NginxWord {
    let quote = bytes[position]
    position += 1
    let word = (start: position, line: line)
    while position < bytes.count {
      let byte = bytes[position]
      if byte == quote {
        needsSeparator = true
        defer { position += 1 }
        return try self.word(from: word.start, line: word.line)
      }
      if byte == UInt8(ascii: "\\") {
        skipEscape()
      } else {
        if byte == newline { line += 1 }
        position += 1
      }
    }
    _ = try self.word(from: word.start, line: word.line)
    throw NginxSyntaxError(line: word.line, reason: "the string that begins here has no end")
  }

  private mutating func plainWord() throws(NginxSyntaxError) -> NginxWord {
    let word = (start: position, line: line)
    while position < bytes.count {
      let byte = bytes[position]
      if NginxTokenizer.isInMostWords(byte) {
        position += 1
        continue
      }
      switch byte {
      case 0x20, 0x09, newline, 0x0d, UInt8(ascii: ";"), UInt8(ascii: "{"):
        return try self.word(from: word.start, line: word.line)
      case UInt8(ascii: "$"):
        position += 1
        while position < bytes.count, bytes[position] == UInt8(ascii: "{") { position += 1 }
      case UInt8(ascii: "\\"): skipEscape()
      default: position += 1
      }
    }
    _ = try self.word(from: word.start, line: word.line)
    throw NginxSyntaxError(line: word.line, reason: "the file ends in a directive")
  }

  /// Whether a byte of a plain word has no meaning of its own: letters, digits and "-./:<=>?@[]^_`".
  private static func isInMostWords(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "-")...UInt8(ascii: "z")).contains(byte) && byte != UInt8(ascii: ";")
      && byte != UInt8(ascii: "\\")
  }

  /// The word up to the position.
  private func word(from start: Int, line: Int) throws(NginxSyntaxError) -> NginxWord {
    guard position - start <= NginxTokenizer.wordLimit else {
      throw NginxSyntaxError(
        line: line,
        reason: "the word that begins here has more than \(NginxTokenizer.wordLimit) bytes")
    }
    return NginxWord(range: start..<position, line: line)
  }

  /// Steps over a backslash, and over the byte whose meaning it takes.
  private mutating func skipEscape() {
    position += 1
    guard position < bytes.count else { return }
    if bytes[position] == newline { line += 1 }
    position += 1
  }

  /// The word as nginx understands it.
  func value(of word: NginxWord) -> [UInt8] {
    guard bytes[word.range].contains(UInt8(ascii: "\\")) else { return Array(bytes[word.range]) }
    var value: [UInt8] = []
    var index = word.range.lowerBound
    while index < word.range.upperBound {
      var byte = bytes[index]
      index += 1
      if byte == UInt8(ascii: "\\"), index < word.range.upperBound,
        let meaning = NginxTokenizer.meaning(ofEscaped: bytes[index])
      {
        byte = meaning
        index += 1
      }
      value.append(byte)
    }
    return value
  }

  /// Nil where the backslash stays.
  private static func meaning(ofEscaped byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"): byte
    case UInt8(ascii: "t"): 0x09
    case UInt8(ascii: "r"): 0x0d
    case UInt8(ascii: "n"): 0x0a
    default: nil
    }
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d
  }
}

private let newline: UInt8 = 0x0a
