extension [String] {
  /// The strings one after another, with a separator between.
  ///
  /// The standard library's method of this name is not specialised for an array: at its first call the
  /// runtime searches all conformances of the binary, which is a tenth of a start.
  package func joined(separator: String = "") -> String {
    var text = ""
    for (index, string) in enumerated() {
      if index > 0 { text += separator }
      text += string
    }
    return text
  }
}
