/// A setting with few possible values, such as "on" and "off".
package protocol Choice: RawRepresentable, CaseIterable where RawValue == String {}

extension Choice {
  /// The choice that a word names, in upper or lower case.
  package init?(named word: ByteString) {
    guard let choice = word.text.flatMap({ Self(rawValue: $0.lowercasedASCII) }) else { return nil }
    self = choice
  }

  /// The words.
  package static var words: [String] { allCases.map { $0.rawValue } }

  /// The rule that any other word breaks.
  package static var rule: String {
    "it must be \(Array(words.dropLast()).joined(separator: ", ")) or \(words.last ?? "")"
  }
}
