import Text

/// A long bracket of Lua: "[[" to "]]", or "[==[" to "]==]" with as many "=" at both ends (Lua 5.1
/// Reference Manual, section 2.1).
package struct LuaLongBracket {
  /// What stands between the brackets.
  package let contents: Range<Int>
  /// The position behind it; nil where nothing closes it, and the contents are the rest.
  package let end: Int?

  /// The long bracket that begins at a position; nil where none does.
  package init?(_ bytes: [UInt8], at start: Int) {
    guard start < bytes.count, bytes[start] == UInt8(ascii: "[") else { return nil }
    let opening = LuaLongBracket.skipEquals(bytes, start + 1)
    guard opening < bytes.count, bytes[opening] == UInt8(ascii: "[") else { return nil }
    let level = opening - start - 1
    var index = bytes.position(of: UInt8(ascii: "]"), from: opening + 1)
    while index < bytes.count {
      let closing = LuaLongBracket.skipEquals(bytes, index + 1)
      if closing < bytes.count, bytes[closing] == UInt8(ascii: "]"), closing - index - 1 == level {
        contents = (opening + 1)..<index
        end = closing + 1
        return
      }
      index = bytes.position(of: UInt8(ascii: "]"), from: closing)
    }
    contents = (opening + 1)..<bytes.count
    end = nil
  }

  private static func skipEquals(_ bytes: [UInt8], _ start: Int) -> Int {
    var index = start
    while index < bytes.count, bytes[index] == UInt8(ascii: "=") { index += 1 }
    return index
  }
}
