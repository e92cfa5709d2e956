import Services
import Text

/// Finds the addresses of a name in /etc/hosts, or else asks the DNS.
///
/// Not getaddrinfo(3): in a static program it loads libraries of the image's.
struct NameResolution {
  /// When to give up.
  let deadline: MonotonicTime

  /// In bytes.
  private static let fileLimit = 1 << 20
  /// How long a server may take for IPv6 addresses if there are others, in milliseconds: some never answer.
  private static let patienceForMore = 1000

  /// The addresses, those of IPv4 first, as Kong prefers them; at least one.
  func addresses(of name: ByteString) throws(ServiceObstacle) -> [IPAddress] {
    let known = HostsFile.addresses(of: name, in: NameResolution.contents("/etc/hosts"))
    if !known.isEmpty { return known }
    // RFC 6761, section 6.3.
    if DNSName(name.bytes[...]) == DNSName("localhost".utf8.map { $0 }[...]) { return [.loopback] }
    let configuration = NameResolution.configuration
    var denied: [DNSName] = []
    var denial: (server: IPAddress, exists: Bool)?
    var failure: ServiceObstacle?
    for candidate in configuration.candidates(for: name) {
      do throws(ServiceObstacle) {
        let answer = try addresses(of: candidate, configuration)
        if !answer.addresses.isEmpty { return answer.addresses }
        denied.append(candidate)
        denial = (answer.server, answer.exists || denial?.exists ?? false)
      } catch {
        // A server can fail for one domain, and know the next.
        guard case .serverFailed = error else { throw error }
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
    throw .unknownName(
      denied, server: denial?.server ?? configuration.servers[0], exists: denial?.exists ?? false)
  }

  /// What /etc/resolv.conf says now.
  static var configuration: ResolverConfiguration {
    ResolverConfiguration(contents("/etc/resolv.conf"))
  }

  private typealias Found = (addresses: [IPAddress], exists: Bool, server: IPAddress)

  private func addresses(
    of name: DNSName, _ configuration: ResolverConfiguration
  ) throws(ServiceObstacle) -> Found {
    let (first, server) = try ask(name, .ipv4, configuration, patience: nil)
    guard case .addresses(let ipv4) = first else { return ([], false, server) }
    do throws(ServiceObstacle) {
      let patience = ipv4.isEmpty ? nil : NameResolution.patienceForMore
      guard
        case .addresses(let ipv6) = try ask(name, .ipv6, configuration, patience: patience).answer
      else { return (ipv4, true, server) }
      return (ipv4 + ipv6, true, server)
    } catch {
      if ipv4.isEmpty { throw error }
      return (ipv4, true, server)
    }
  }

  /// Asks one server after another, and then again.
  ///
  /// - Parameter patience: for one attempt with one server, in milliseconds; nil for what the configuration
  ///   allows.
  private func ask(
    _ name: DNSName, _ kind: DNSQuestion.Kind, _ configuration: ResolverConfiguration,
    patience: Int?
  ) throws(ServiceObstacle) -> (answer: DNSAnswer, server: IPAddress) {
    var failure: ServiceObstacle?
    for _ in 0..<(patience == nil ? configuration.attempts : 1) {
      for server in patience == nil ? configuration.servers[...] : configuration.servers.prefix(1) {
        let limit =
          MonotonicTime.now + min(patience ?? configuration.timeout * 1000, deadline.remaining)
        do throws(Errno) {
          let lookup = Lookup(server: server, deadline: limit)
          let question = DNSQuestion(id: try RandomNumber.next(), name: name, kind: kind)
          let answer = try lookup.answer(to: question, usesTCP: configuration.usesTCP)
          guard case .failed(let code) = answer else { return (answer, server) }
          failure = .serverFailed(server, code: code)
        } catch {
          failure = failure ?? .serverSilent(server, reason: error.description)
        }
      }
    }
    throw failure ?? .serverSilent(configuration.servers[0], reason: Errno.timedOut.description)
  }

  private static func contents(_ path: ByteString) -> [UInt8] {
    guard case .bytes(let bytes) = BoundedFile.read(path, limit: fileLimit) else { return [] }
    return bytes
  }
}

/// A question to one server of the DNS.
private struct Lookup {
  let server: IPAddress
  let deadline: MonotonicTime

  private var address: SocketAddress { SocketAddress(server, port: 53) }

  /// Asks in a datagram, and over TCP if the answer is too long for one.
  ///
  /// - Throws: `Errno`: ETIMEDOUT if no answer to this question comes in time.
  func answer(to question: DNSQuestion, usesTCP: Bool) throws(Errno) -> DNSAnswer {
    if !usesTCP {
      let answer = try datagram(question)
      if answer != .truncated { return answer }
    }
    return try stream(question)
  }

  private func datagram(_ question: DNSQuestion) throws(Errno) -> DNSAnswer {
    let socket = try Socket(for: address, .datagram, blocks: false)
    // The kernel then passes on only what comes from there (udp(7)).
    try socket.connect(to: address)
    try socket.send(question.message)
    while true {
      let bytes = try socket.receive(upTo: 4096, until: deadline)
      if let answer = DNSAnswer(bytes, to: question) { return answer }
    }
  }

  /// Each message follows its length, a number of two bytes (RFC 1035, section 4.2.2).
  private func stream(_ question: DNSQuestion) throws(Errno) -> DNSAnswer {
    let socket = try Socket(for: address, blocks: false)
    try socket.connect(to: address, until: deadline)
    let message = question.message
    try socket.send([UInt8(message.count >> 8), UInt8(message.count & 0xff)] + message)
    var received: [UInt8] = []
    while true {
      let piece = try socket.receive(upTo: 65_536, until: deadline)
      if piece.isEmpty { throw .connectionReset }
      received += piece
      guard received.count >= 2 else { continue }
      let end = 2 + Int(received[0]) << 8 + Int(received[1])
      guard received.count >= end else { continue }
      guard let answer = DNSAnswer(Array(received[2..<end]), to: question), answer != .truncated
      else { throw .connectionReset }
      return answer
    }
  }
}
