/// Whatever bytes a *_listen variable has: no crash, and what is accepted prints back as itself.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzListenSetting(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: data, count: size))
  let value = ByteString(bytes)
  let listeners: [Listener]
  do {
    listeners = try ListenSetting.parse(value, source: "KONG_X_LISTEN")
  } catch {
    precondition(error.status == ExitStatus.configuration)
    guard let explanation = error.explanation else { fatalError("no explanation") }
    let text = explanation.what + explanation.why
    precondition(!text.utf8.contains { $0 < 0x20 }, "a message has one line")
    return 0
  }
  let isReference = ListenSetting.warning(of: value, source: "KONG_X_LISTEN") != nil
  precondition(!isReference || listeners.isEmpty)
  precondition(listeners.allSatisfy { (1...65535).contains($0.port ?? 0) })
  // Only these three say that there is no listener.
  if listeners.isEmpty {
    let words = bytes.split { $0 == 0x20 || (9...13).contains($0) || $0 == 0x2c }
    precondition(words.isEmpty || isReference || words[0].elementsEqual("off".utf8))
    return 0
  }
  precondition(listeners.count <= bytes.count { $0 == 0x2c } + 1)
  let printed = listeners.map(\.entry).joined(separator: ", ")
  let again = try? ListenSetting.parse(ByteString(printed), source: "KONG_X_LISTEN")
  precondition(again == listeners, "\(printed) is not the same listeners")
  return 0
}
