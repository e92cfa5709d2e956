/// Whatever bytes kong_defaults.lua has: no crash; and as the inside of a long string, at any level,
/// they are read as a kong.conf of these bytes is.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzKongDefaults(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: data, count: size))
  if let defaults = KongDefaults(bytes) {
    precondition(bytes.count >= 4)
    for option in defaults.options {
      precondition(option.utf8.allSatisfy { isDigit($0) || (97...122).contains($0) || $0 == 0x5f })
    }
  }
  // A level that no bracket inside has.
  var level: [UInt8] = []
  while contains(bytes, [0x5d] + level + [0x5d]) || endsIn(bytes, [0x5d] + level) {
    level.append(0x3d)
  }
  let chunk =
    Array("-- [[ no = 1\n--[==[ no = 2 ]==]\nreturn [".utf8) + level + [0x5b, 0x0a] + bytes + [0x5d]
    + level + Array("]\n".utf8)
  guard let inside = KongDefaults(chunk) else { fatalError("the long string is not found") }
  let configuration = KongConfiguration(bytes)
  precondition(
    inside.options
      == configuration.settings.map { $0.name.lowercased() }.filter { !$0.isEmpty })
  for setting in configuration.settings { precondition(inside[setting.name] == setting.value) }
  return 0
}

private func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
  bytes.indices.contains { bytes[$0...].starts(with: part) }
}

private func endsIn(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
  bytes.reversed().starts(with: part.reversed())
}
