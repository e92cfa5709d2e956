/// Any bytes in a kong.conf: names and values are clean, and a file written from the settings has
/// the same settings.
///
/// If no line of the file is joined with the next and there is no section, a second and very simple
/// reader must agree.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzKongConfiguration(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: data, count: size))
  let settings = KongConfiguration(bytes).settings
  precondition(Set(settings.map(\.name)).count == settings.count)
  for setting in settings {
    precondition(setting.name.utf8.allSatisfy { isDigit($0) || isLetter($0) || $0 == 0x5f })
    precondition(luaTrimmed(setting.value.bytes[...]).elementsEqual(setting.value.bytes))
    precondition(!setting.value.bytes.contains(0x0a))
    precondition((1...bytes.count).contains(setting.line))
  }
  precondition(settings.map(\.line) == settings.map(\.line).sorted())

  let written = settings.flatMap { setting in
    Array("\(setting.name) = ".utf8)
      + setting.value.bytes.flatMap { $0 == 0x23 ? [0x5c, 0x23] : [$0] } + Array(" #\n".utf8)
  }
  // A backslash before a "#" cannot be written.
  let isWritable = !settings.contains { setting in
    zip(setting.value.bytes, setting.value.bytes.dropFirst()).contains { $0 == 0x5c && $1 == 0x23 }
      || setting.value.bytes.last == 0x5c
  }
  if isWritable {
    let again = KongConfiguration(written).settings
    precondition(again.map(\.name) == settings.map(\.name))
    precondition(again.map(\.value) == settings.map(\.value))
  }
  if let simple = simplyRead(bytes) {
    precondition(simple.count == settings.count)
    precondition(settings.allSatisfy { simple[$0.name] == $0.value.bytes })
  }
  return 0
}

/// The settings by the rules alone; nil for a file with a joined line or a section.
private func simplyRead(_ bytes: [UInt8]) -> [String: [UInt8]]? {
  func isBlank(_ byte: UInt8) -> Bool { [0x20, 9, 10, 11, 12, 13].contains(byte) }
  func strip(_ text: [UInt8]) -> [UInt8] {
    Array(text.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
  }
  var result: [String: [UInt8]] = [:]
  for line in bytes.split(separator: 0x0a).map(Array.init) {
    let text = strip(line)
    if text.isEmpty || text[0] == 0x23 || text[0] == 0x3b { continue }
    if text.last == 0x5c || line[0] == 0x5b { return nil }
    let parts = text.split(separator: 0x3d, maxSplits: 1, omittingEmptySubsequences: false)
    if parts.count < 2 { continue }
    let key = strip(Array(parts[0])).map { byte -> Character in
      let character = Character(UnicodeScalar(byte))
      return character.isASCII && (character.isLetter || character.isNumber) ? character : "_"
    }
    let raw = strip(Array(parts[1]))
    var value: [UInt8] = []
    for (index, byte) in raw.enumerated() {
      let isEscaped = index > 0 && raw[index - 1] == 0x5c
      if byte == 0x23, !isEscaped { break }
      if byte == 0x23 { value.removeLast() }
      value.append(byte)
    }
    result[String(key)] = strip(value)
  }
  return result
}
