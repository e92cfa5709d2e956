/// Any bytes in a *_listen variable: no crash, and an accepted value prints as itself.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzListenSetting(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: data, count: size))
  let value = ByteString(bytes)
  let listeners: [Listener]
  do {
    listeners = try ListenParser.parse(value, source: "KONG_X_LISTEN")
  } catch {
    precondition(error.status == ExitStatus.configuration)
    guard let explanation = error.explanation else { fatalError("no explanation") }
    let text = explanation.what + explanation.why
    precondition(!text.utf8.contains { $0 < 0x20 }, "a message has one line")
    precondition(text.utf8.count < 4096, "a message has a bound")
    return 0
  }
  precondition(listeners.allSatisfy { (1...65535).contains($0.port ?? 0) })
  precondition(
    Set(listeners.map { ListenerSocket($0) }).count == listeners.count, "one socket twice")
  checkVersions(value, listeners)
  // Only these two mean that there is no listener. A comment begins with "#" after a blank.
  let end = bytes.indices.dropFirst().first { bytes[$0] == 0x23 && isLuaBlank(bytes[$0 - 1]) }
  let entries = bytes[..<(end ?? bytes.count)].split(
    separator: 0x2c, omittingEmptySubsequences: false
  ).map(luaTrimmed)
  precondition(listeners.count <= entries.count)
  if listeners.isEmpty {
    precondition(
      entries.allSatisfy(ListenParser.isReference) || entries[0].elementsEqual("off".utf8))
    return 0
  }
  let printed = listeners.map(\.entry).joined(separator: ", ")
  let again = try? ListenParser.parse(ByteString(printed), source: "KONG_X_LISTEN")
  precondition(again == listeners, "\(printed) is not the same listeners")
  return 0
}

/// What a known version of Kong accepts is accepted with the same result if the version is unknown.
private func checkVersions(_ value: ByteString, _ listeners: [Listener]) {
  for variable in ["KONG_PROXY_LISTEN", "KONG_STREAM_LISTEN"] {
    for version in [KongVersion.second, .third] {
      let grammar = ListenParser.Grammar(of: variable, in: version)
      let known = try? ListenParser.parse(value, source: "KONG_X_LISTEN", grammar: grammar)
      precondition(known == nil || known == listeners)
    }
  }
}
