import Capabilities
import Nginx
import Plan
import Preflight
import Text

/// What bind(2) says, by the number of its error; 0 where it succeeds.
struct BindResult: Message {
  var error: Errno?

  /// - Parameter shares: whether a port with reuseport may be shared, as nginx would; otherwise it counts as
  ///   taken.
  init(_ listener: Listener, shares: Bool = true) {
    do throws(Errno) {
      try BindResult.bind(listener, reusesPort: shares && listener.isReusingPort)
    } catch {
      self.error = error
    }
  }

  /// Binds as nginx does, and does not listen, so that nobody notices.
  ///
  /// A socket of UDP would get datagrams without that.
  private static func bind(_ listener: Listener, reusesPort: Bool) throws(Errno) {
    guard listener.transport == .tcp, let host = listener.host, let port = listener.port,
      let address = SocketAddress(host, port: UInt16(port))
    else { return }
    let socket = try Socket(for: address)
    try socket.set(.reuseAddress)
    if reusesPort { try socket.set(.reusePort) }
    if host.isIPv6 { try socket.set(.onlyIPv6, !listener.acceptsIPv4) }
    try socket.bind(to: address)
  }

  func write(to writer: inout MessageWriter) { writer.number(Int(error?.rawValue ?? 0)) }

  init(from reader: inout MessageReader) throws(MalformedMessage) {
    let number = try reader.number(0...4095)
    error = number == 0 ? nil : Errno(rawValue: Int32(number))
  }
}

/// The ports of listeners, and who has them.
struct PortStates {
  private let own: Credentials
  private let user: TargetUser
  private let nginx: RunningNginx?
  private let tables: [(isUDP: Bool, entries: [SocketTable.Entry])]

  /// Reads the sockets of this network namespace.
  ///
  /// - Parameters:
  ///   - user: the user that nginx runs as.
  ///   - own: who this process is.
  ///   - nginx: the nginx of the prefix, if it runs.
  init(
    for listeners: [Listener], as user: TargetUser, own: Credentials, besides nginx: RunningNginx?
  ) {
    (self.own, self.user, self.nginx) = (own, user, nginx)
    let needsUDP = listeners.contains { $0.transport == .udp }
    tables =
      [(false, PortStates.table(isUDP: false))]
      + (needsUDP ? [(true, PortStates.table(isUDP: true))] : [])
  }

  private static func table(isUDP: Bool) -> [SocketTable.Entry] {
    [false, true].flatMap { SocketTable.read(isIPv6: $0, isUDP: isUDP) }.filter { $0.isListening }
  }

  /// The state of a listener's port.
  ///
  /// - Parameter result: what bind(2) says.
  func state(of listener: Listener, _ result: BindResult) -> PortState {
    if listener.transport == .unix { return .unknown("it is a path") }
    guard listener.host?.isIPv6 != nil, !isName(listener) else {
      return .unknown("nginx resolves the name when it starts")
    }
    let found = blocking(listener, isCertain: true)
    if let nginx, !found.isEmpty, found.allSatisfy({ nginx.has($0) }) { return .ofOwnNginx }
    let others = found.filter { entry in !(nginx?.has(entry) ?? false) }
    if listener.transport == .udp {
      return others.isEmpty ? .free : .usedByUDP(holders(others))
    }
    switch result.error {
    case nil: return others.isEmpty || !listener.isReusingPort ? .free : .shared(holders(others))
    case .addressInUse:
      let possible = others.isEmpty ? blocking(listener, isCertain: false) : others
      return .taken(holders(possible))
    case .permissionDenied where !others.isEmpty && !listener.isReusingPort:
      // This process may not bind it, but it knows that nginx cannot.
      return .taken(holders(others))
    case .permissionDenied:
      return others.isEmpty ? .free : .unknown("this process may not bind the port, but nginx may")
    case .some(let error): return .unknown("bind() fails: \(error)")
    }
  }

  private func isName(_ listener: Listener) -> Bool {
    if case .name = listener.host { true } else { false }
  }

  private func blocking(_ listener: Listener, isCertain: Bool) -> [SocketTable.Entry] {
    tables.filter { $0.isUDP == (listener.transport == .udp) }.flatMap { table in
      table.entries.filter { $0.blocks(listener, isCertain: isCertain) }
    }
  }

  /// The most that a message needs.
  private static let limit = 3

  private func holders(_ entries: [SocketTable.Entry]) -> [PortHolder] {
    let entries = entries.prefix(PortStates.limit)
    let owners = SocketOwners.find(entries.map { $0.inode }, as: user, own: own)
    return entries.map { PortHolder($0, owners) }
  }
}

extension PortHolder {
  /// A socket of the kernel's list, with its process, if that is among those that were found.
  init(_ entry: SocketTable.Entry, _ owners: [SocketOwners.Owner]) {
    self.init(
      host: entry.host, port: entry.port, uid: entry.uid,
      process: owners.first { $0.inode == entry.inode }?.process)
  }
}
