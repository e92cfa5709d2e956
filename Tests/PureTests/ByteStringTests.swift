import Text
import Testing

@Suite("Text from the environment")
struct ByteStringTests {
  @Test("is printed unchanged if it is plain UTF-8")
  func plain() {
    #expect(ByteString("Grüße 東京").description == "Grüße 東京")
  }

  @Test("cannot forge a line of the log: control characters and odd bytes are written as \\xNN")
  func escapes() {
    let bytes = ByteString([0x61, 0x0a, 0x1b, 0xff, 0xc3, 0xa9, 0xc3, 0x7f])
    #expect(bytes.description == "a\\x0a\\x1b\\xffé\\xc3\\x7f")
    #expect(bytes.text == nil)
  }

  @Test("never prints a control character, whatever the bytes are")
  func random() {
    var random = SeededGenerator(state: 3)
    for _ in rounds(50_000) {
      let bytes = (0..<8).map { _ in UInt8.random(in: 0...255, using: &random) }
      let text = ByteString(bytes).description
      #expect(!text.utf8.contains { $0 < 0x20 || $0 == 0x7f }, "\(bytes)")
      #expect(!text.unicodeScalars.contains { (0x80..<0xa0).contains($0.value) }, "\(bytes)")
    }
  }

  @Test("cannot break a line, change its direction or command a terminal with non-ASCII characters")
  func unicode() {
    for scalar in ["\u{85}", "\u{9b}", "\u{9d}", "\u{2028}", "\u{2029}", "\u{202e}", "\u{2067}"] {
      let text = ByteString("a\(scalar)b").description
      #expect(text.utf8.allSatisfy { $0 < 0x80 } && text.hasPrefix("a\\x") && text.hasSuffix("b"))
    }
  }
}
