/// Any bytes from the pipe of a process without privileges: no crash.
///
/// An accepted answer can be shown, is within the limits, and encodes to exactly these bytes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzMessage(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: data, count: size))
  guard let kind = bytes.first else { return 0 }
  let message = Array(bytes.dropFirst())
  switch kind % 5 {
  case 0:
    guard let generated = GeneratedListeners(message: message) else { return 0 }
    precondition(generated.message == message)
    check(generated.listeners, generated.warnings)
  case 1:
    guard let reading = KongDefaultsReading(message: message) else { return 0 }
    precondition(reading.message == message)
  case 3:
    guard let findings = [Finding](message: message) else { return 0 }
    precondition(findings.message == message)
    for finding in findings { check(finding) }
  case 4:
    guard let arrivals = [Arrivals](message: message) else { return 0 }
    precondition(arrivals.message == message)
  default:
    guard let files = KongFiles(message: message) else { return 0 }
    for part in files.injected?.parts ?? [] { check(part.listeners, part.warnings) }
    precondition(isPrintable(files.unread?.reason ?? ""))
    precondition(KongFiles(message: files.message) != nil)
  }
  return 0
}

private func check(_ listeners: [Listener], _ warnings: [Explanation]) {
  for listener in listeners {
    precondition(isPrintable(listener.description) && listener.flags.count <= 32)
    if let port = listener.port { precondition((1...65535).contains(port)) }
  }
  for warning in warnings {
    precondition(isPrintable(warning.what) && isPrintable(warning.why))
    precondition(warning.waysOut.allSatisfy(isPrintable) && warning.waysOut.count <= 8)
  }
}

private func check(_ finding: Finding) {
  precondition(isPrintable(finding.subject))
  switch finding.verdict {
  case .passed: break
  case .skipped(let reason): precondition(isPrintable(reason))
  case .warning(let said), .failed(let said):
    precondition(isPrintable(said.what) && isPrintable(said.why))
    precondition(said.waysOut.allSatisfy(isPrintable))
  }
}

private func isPrintable(_ text: String) -> Bool {
  text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
}
