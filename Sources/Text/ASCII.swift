/// Whether the byte is an ASCII digit.
package func isDigit(_ byte: UInt8) -> Bool {
  (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
}

/// Whether the byte is an ASCII letter.
package func isLetter(_ byte: UInt8) -> Bool {
  (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
}

/// A letter of ASCII as its small form, any other byte unchanged.
package func lowercased(_ byte: UInt8) -> UInt8 {
  (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}

/// A letter of ASCII as its capital form, any other byte unchanged.
package func uppercased(_ byte: UInt8) -> UInt8 {
  (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) ? byte & ~0x20 : byte
}

extension String {
  /// The text with small letters for ASCII's capitals; the tables of Unicode are not needed for names.
  package var lowercasedASCII: String {
    String(decoding: utf8.map { Text.lowercased($0) }, as: UTF8.self)
  }

  /// The text with capitals for ASCII's small letters.
  package var uppercasedASCII: String {
    String(decoding: utf8.map { Text.uppercased($0) }, as: UTF8.self)
  }
}

/// Whether the byte is in Lua's %s: blank, \t, \n, \v, \f, \r.
package func isLuaBlank(_ byte: UInt8) -> Bool {
  byte == 0x20 || (0x09...0x0d).contains(byte)
}

/// The bytes without what Lua's %s stands for at both ends.
package func luaTrimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
  var (start, end) = (bytes.startIndex, bytes.endIndex)
  while start < end, isLuaBlank(bytes[start]) { start += 1 }
  while start < end, isLuaBlank(bytes[end - 1]) { end -= 1 }
  return bytes[start..<end]
}
