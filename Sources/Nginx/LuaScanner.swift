/// Finds the end of a `*_by_lua_block { ... }`, as lua-nginx-module's lexer does
/// (ngx_http_lua_lex.c; what it does with odd text was tried with the module itself).
///
/// Braces count, except in strings, long strings and comments. A string does not go on behind its
/// line, not even with a backslash; a quote that has no other on its line is an ordinary byte, and
/// so are the hyphens of a comment that no newline ends.
struct LuaScanner {
  private let bytes: [UInt8]
  private var position: Int
  private var level = 1
  private(set) var lines = 0

  // Up to where quotes are known not to be closed, so that no part is searched twice.
  private var doubleQuotesSearched = 0
  private var singleQuotesSearched = 0
  private var isLastLine = false

  /// - Parameter start: behind the "{" of the block.
  init(_ bytes: [UInt8], from start: Int) {
    self.bytes = bytes
    position = start
  }

  /// - Returns: the position behind the "}" that ends the block; nil if there is none.
  mutating func end() -> Int? {
    while position < bytes.count {
      switch bytes[position] {
      case 0x0a:
        lines += 1
        position += 1
      case UInt8(ascii: "{"):
        level += 1
        position += 1
      case UInt8(ascii: "}"):
        level -= 1
        position += 1
        if level == 0 { return position }
      case UInt8(ascii: "\""): doubleQuotesSearched = skipString(searched: doubleQuotesSearched)
      case UInt8(ascii: "'"): singleQuotesSearched = skipString(searched: singleQuotesSearched)
      case UInt8(ascii: "-"): skipComment()
      case UInt8(ascii: "["):
        if let bracket = LuaLongBracket(bytes, at: position) {
          skip(bracket)
        } else {
          position += 1
        }
      default: position += 1
      }
    }
    return nil
  }

  /// - Returns: up to where such quotes are known not to be closed.
  private mutating func skipString(searched: Int) -> Int {
    let quote = bytes[position]
    var index = position + 1
    position = index
    guard index > searched else { return searched }
    while index < bytes.count, bytes[index] != 0x0a {
      if bytes[index] == quote {
        position = index + 1
        return position
      }
      if bytes[index] == UInt8(ascii: "\\"), index + 1 < bytes.count, bytes[index + 1] != 0x0a {
        index += 1
      }
      index += 1
    }
    // A quote in this part is escaped, and as little closed as the first.
    return index
  }

  private mutating func skipComment() {
    guard position + 1 < bytes.count, bytes[position + 1] == UInt8(ascii: "-") else {
      position += 1
      return
    }
    if let bracket = LuaLongBracket(bytes, at: position + 2) {
      skip(bracket)
      return
    }
    if !isLastLine, let end = bytes[position...].firstIndex(of: 0x0a) {
      position = end
    } else {
      isLastLine = true
      position += 1
    }
  }

  /// Goes behind the bracket that closes it; without one, to the end of the file.
  private mutating func skip(_ bracket: LuaLongBracket) {
    lines += bytes[bracket.contents].count { $0 == 0x0a }
    position = bracket.end ?? bytes.count
  }
}
