import Text

extension ByteString {
  /// The order of `sort -V`: numbers in names count as numbers, so "9-a" comes before "10-b".
  ///
  /// GNU coreutils, "Version sort ordering", in the C locale. A file's suffix such as ".sh" counts
  /// only where all before it is equal; names that are equal as versions are in the order of their
  /// bytes.
  static func versionOrder(_ left: ByteString, _ right: ByteString) -> Bool {
    let order = compareVersions(left.bytes[...], right.bytes[...])
    return order != 0 ? order < 0 : left.bytes.lexicographicallyPrecedes(right.bytes)
  }

  /// Negative where `left` comes first, 0 where the versions are equal.
  ///
  /// Hidden files are first.
  private static func compareVersions(
    _ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>
  ) -> Int {
    let hidden = (left.first == UInt8(ascii: "."), right.first == UInt8(ascii: "."))
    if hidden.0 != hidden.1 { return hidden.0 ? -1 : 1 }
    let stems = (stem(left), stem(right))
    let order = compareParts(stems.0, stems.1)
    let haveNoSuffix = stems.0.count == left.count && stems.1.count == right.count
    return order != 0 || haveNoSuffix ? order : compareParts(left, right)
  }

  /// The name without its suffix: the longest end that is a run of a dot, a letter or "~", and
  /// letters, digits and "~".
  ///
  /// The first byte is never part of it.
  private static func stem(_ name: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var index = name.startIndex
    while index < name.endIndex {
      index += 1
      let end = index
      while index + 1 < name.endIndex, name[index] == UInt8(ascii: "."),
        isLetter(name[index + 1]) || name[index + 1] == UInt8(ascii: "~")
      {
        index += 2
        while index < name.endIndex, isInSuffix(name[index]) { index += 1 }
      }
      if index == name.endIndex { return name[..<end] }
    }
    return name
  }

  private static func isInSuffix(_ byte: UInt8) -> Bool {
    isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: "~")
  }

  /// Debian's rule for versions: parts without digits and numbers, in turn (deb-version(7)).
  private static func compareParts(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Int {
    var a = left
    var b = right
    while !a.isEmpty || !b.isEmpty {
      while hasText(a) || hasText(b) {
        let difference = weight(a.first) - weight(b.first)
        if difference != 0 { return difference }
        a = a.dropFirst()
        b = b.dropFirst()
      }
      let difference = compareNumbers(number(&a), number(&b))
      if difference != 0 { return difference }
    }
    return 0
  }

  private static func hasText(_ name: ArraySlice<UInt8>) -> Bool {
    name.first.map { !isDigit($0) } ?? false
  }

  /// "~" before the end, the end before digits, these before letters, and all else after.
  private static func weight(_ byte: UInt8?) -> Int {
    guard let byte else { return -1 }
    if isDigit(byte) { return 0 }
    if isLetter(byte) { return Int(byte) }
    return byte == UInt8(ascii: "~") ? -2 : Int(byte) + 256
  }

  /// Takes the digits off the front, and returns them without leading zeros.
  private static func number(_ name: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let digits = name.prefix(while: isDigit)
    name = name[digits.endIndex...]
    return digits.drop { $0 == UInt8(ascii: "0") }
  }

  /// Of any length, so not as integers.
  private static func compareNumbers(_ a: ArraySlice<UInt8>, _ b: ArraySlice<UInt8>) -> Int {
    if a.count != b.count { return a.count - b.count }
    for (x, y) in zip(a, b) where x != y { return Int(x) - Int(y) }
    return 0
  }
}
