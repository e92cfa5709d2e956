/// Any bytes in kong_defaults.lua: no crash.
///
/// Inside a long string of any level, they are read like a kong.conf with these bytes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzKongDefaults(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: data, count: size))
  if let defaults = KongDefaults(bytes) {
    precondition(bytes.count >= 4)
    for option in defaults.configuration.settings {
      precondition(option.name.utf8.allSatisfy { isDigit($0) || isLetter($0) || $0 == 0x5f })
    }
  }
  let level = freeLevel(of: bytes)
  let chunk =
    Array("-- [[ no = 1\n--[==[ no = 2 ]==]\nreturn [".utf8) + level + [0x5b, 0x0a] + bytes + [0x5d]
    + level + Array("]\n".utf8)
  guard let inside = KongDefaults(chunk) else { fatalError("the long string is not found") }
  let configuration = KongConfiguration(bytes)
  precondition(
    inside.configuration.settings.map { $0.name } == configuration.settings.map { $0.name })
  // A lookup goes through all of them, so try only the first ones.
  for setting in configuration.settings.prefix(50) {
    precondition(inside[setting.name] == setting.value)
  }
  return 0
}

/// The "=" of a level that no closing bracket inside has, and that the end cannot be taken for.
private func freeLevel(of bytes: [UInt8]) -> [UInt8] {
  var isTaken = [Bool](repeating: false, count: bytes.count + 2)
  // The number of "=" since the last "]".
  var count: Int?
  for byte in bytes + [0x5d] {
    if byte == 0x5d {
      if let count { isTaken[count] = true }
      count = 0
    } else {
      count = byte == 0x3d ? count.map { $0 + 1 } : nil
    }
  }
  return [UInt8](repeating: 0x3d, count: isTaken.firstIndex(of: false) ?? 0)
}
