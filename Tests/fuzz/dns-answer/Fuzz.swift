/// Any bytes from a DNS server, from PostgreSQL, or in /etc/resolv.conf and /etc/hosts: no crash, no endless
/// loop, and what is found can be shown and asked for.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzServices(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: data, count: size))
  guard let kind = bytes.first else { return 0 }
  let rest = Array(bytes.dropFirst())
  switch kind % 4 {
  case 0: checkAnswer(rest)
  case 1:
    if case .refuses(let text) = PostgreSQLAnswer(rest) {
      precondition(isPrintable(text) && text.utf8.count <= 4 * 200)
    }
  case 2:
    let configuration = ResolverConfiguration(rest)
    precondition((1...3).contains(configuration.servers.count) && configuration.search.count <= 32)
    let candidates = configuration.candidates(for: "db.kong")
    precondition(candidates.contains { $0.description == "db.kong" })
    precondition(candidates.allSatisfy { isPrintable($0.description) && $0.wire.count <= 255 })
  default:
    for address in HostsFile.addresses(of: "db", in: rest) {
      precondition(IPAddress(Array(address.description.utf8)[...]) == address)
    }
    if let address = ServiceAddress(ByteString(rest)) {
      precondition(ServiceAddress(ByteString(address.description)) == address)
    }
  }
  return 0
}

/// The question is the one that the message says it answers, so that most inputs get further.
private func checkAnswer(_ bytes: [UInt8]) {
  guard bytes.count > 12 else { return }
  var position = 12
  guard let name = DNSName(bytes, at: &position) else { return }
  precondition(position > 12 && position <= bytes.count && name.wire.count <= 255)
  precondition(isPrintable(name.description))
  let question = DNSQuestion(
    id: UInt16(bytes[0]) << 8 | UInt16(bytes[1]), name: name, kind: .ipv4)
  guard case .addresses(let addresses) = DNSAnswer(bytes, to: question) else { return }
  for address in addresses {
    guard case .ipv4 = address else { fatalError("another kind of address") }
  }
}

private func isPrintable(_ text: String) -> Bool {
  text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
}
