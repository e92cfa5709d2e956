/// A JSON value (RFC 8259).
package enum JSON: Equatable, Sendable {
  /// A member of an object.
  package struct Member: Equatable, Sendable {
    /// Its name.
    package var name: String
    /// Its value.
    package var value: JSON

    /// A name with its value.
    package init(name: String, value: JSON) {
      self.name = name
      self.value = value
    }
  }

  case string(String)
  case number(Int)
  case bool(Bool)
  case array([JSON])
  case object([Member])

  /// An object without the members that have no value.
  package static func object(_ members: KeyValuePairs<String, JSON?>) -> JSON {
    .object(members.compactMap { pair in pair.value.map { Member(name: pair.key, value: $0) } })
  }

  /// An array of strings.
  package static func strings(_ strings: [String]) -> JSON { .array(strings.map { .string($0) }) }

  /// An array of numbers.
  package static func numbers(_ numbers: [UInt32]) -> JSON {
    .array(numbers.map { .number(Int($0)) })
  }

  /// The value on one line.
  package var line: String { text(indentation: nil) }

  /// The value with each member and element on a line of its own.
  package var lines: String { text(indentation: "") }

  /// - Parameter indentation: that of the line which the value begins on; nil for one line.
  private func text(indentation: String?) -> String {
    switch self {
    case .string(let text): return JSON.quoted(text)
    case .number(let number): return String(number)
    case .bool(let bool): return bool ? "true" : "false"
    case .array(let elements):
      let parts = elements.map { $0.text(indentation: indentation.map { $0 + "  " }) }
      return JSON.enclosed("[", parts, "]", indentation)
    case .object(let members):
      let space = indentation == nil ? "" : " "
      let parts = members.map {
        JSON.quoted($0.name) + ":" + space
          + $0.value.text(indentation: indentation.map { $0 + "  " })
      }
      return JSON.enclosed("{", parts, "}", indentation)
    }
  }

  private static func enclosed(
    _ open: String, _ parts: [String], _ close: String, _ indentation: String?
  ) -> String {
    guard let indentation, !parts.isEmpty else {
      return open + parts.joined(separator: ",") + close
    }
    let lines = parts.map { indentation + "  " + $0 }.joined(separator: ",\n")
    return open + "\n" + lines + "\n" + indentation + close
  }

  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\u{0}"..<" ":
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
