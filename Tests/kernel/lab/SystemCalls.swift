import CKernelLab

/// The lab itself needs something that the kernel refuses.
struct LabFailure: Error {
  var text: String

  init(_ call: String, errno reason: CInt) {
    text = "\(call): \(String(cString: strerror(reason)))"
  }
}

/// Makes a call that returns -1 and sets errno on failure.
@discardableResult
func check(
  _ name: @autoclosure () -> String, _ call: () -> CInt
) throws(LabFailure) -> CInt {
  let result = call()
  if result == -1 { throw LabFailure(name(), errno: lab_errno()) }
  return result
}

/// Reads to the end of a file or pipe.
func readAll(_ descriptor: CInt) throws(LabFailure) -> [UInt8] {
  var all: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 16384)
  while true {
    let count = read(descriptor, &chunk, chunk.count)
    guard count >= 0 else { throw LabFailure("read", errno: lab_errno()) }
    guard count > 0 else { return all }
    all += chunk.prefix(count)
  }
}

/// Writes all of it.
func writeAll(_ bytes: [UInt8], to descriptor: CInt) throws(LabFailure) {
  var rest = bytes[...]
  while !rest.isEmpty {
    let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    guard count > 0 else { throw LabFailure("write", errno: lab_errno()) }
    rest = rest.dropFirst(count)
  }
}
