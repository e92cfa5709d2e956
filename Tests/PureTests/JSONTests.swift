import Text
import Foundation
import Testing

@Suite("JSON")
struct JSONTests {
  @Test("is read back by Foundation as the same value, on one line and on many")
  func parsed() throws {
    var random = SystemRandomNumberGenerator()
    for _ in rounds(2_000) {
      let value = JSONTests.random(&random, depth: 4)
      for text in [value.line, value.lines] {
        let read = try JSONSerialization.jsonObject(
          with: Data(text.utf8), options: .fragmentsAllowed)
        #expect(JSONTests.isEqual(value, read), "\(text)")
      }
      #expect(!value.line.contains("\n"))
    }
  }

  @Test("omits a member without a value")
  func absent() {
    #expect(JSON.object(["a": nil, "b": .number(1), "c": .array([])]).line == #"{"b":1,"c":[]}"#)
  }

  private static func random(
    _ random: inout SystemRandomNumberGenerator, depth: Int
  ) -> JSON {
    switch Int.random(in: 0..<(depth > 0 ? 5 : 3), using: &random) {
    case 0: .number(Int.random(in: -1_000_000...Int(UInt32.max), using: &random))
    case 1: .bool(Bool.random(using: &random))
    case 2: .string(text(&random))
    case 3:
      .array(
        (0..<Int.random(in: 0..<4, using: &random)).map { _ in
          Self.random(&random, depth: depth - 1)
        })
    default:
      .object(
        (0..<Int.random(in: 0..<4, using: &random)).map {
          JSON.Member(name: "\($0)\(text(&random))", value: Self.random(&random, depth: depth - 1))
        })
    }
  }

  /// Control characters, quotes, and scalars of one to four bytes.
  private static func text(_ random: inout SystemRandomNumberGenerator) -> String {
    var text = ""
    for _ in 0..<Int.random(in: 0..<8, using: &random) {
      let limit: UInt32 =
        [0x20, 0x80, 0x800, 0x1_0000, 0x11_0000].randomElement(using: &random) ?? 0x80
      if let scalar = Unicode.Scalar(UInt32.random(in: 0..<limit, using: &random)) {
        text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  private static func isEqual(_ value: JSON, _ read: Any) -> Bool {
    switch value {
    case .string(let text): (read as? String).map { Array($0.utf8) == Array(text.utf8) } ?? false
    case .number(let number): read as? Int == number
    case .bool(let bool): read as? Bool == bool
    case .array(let elements):
      (read as? [Any]).map {
        $0.count == elements.count && zip(elements, $0).allSatisfy(isEqual)
      } ?? false
    case .object(let members):
      (read as? [String: Any]).map { read in
        read.count == members.count
          && members.allSatisfy { member in
            read[member.name].map { isEqual(member.value, $0) } ?? false
          }
      } ?? false
    }
  }
}
