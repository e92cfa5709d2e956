import Nginx
import Preflight
import Text

/// Connections from this process to itself, through all that the kernel does to them on the way.
struct ArrivalProbe {
  /// One socket that listens, and the connections to it.
  private final class Port {
    /// Nil if another process listens, whose connections only the kernel's table shows.
    let socket: Socket?
    let key: Key
    var clients: [Client] = []
    /// Connections that were accepted, and come from none of the clients.
    var strangers: [Stranger] = []

    init(_ socket: consuming Socket?, _ key: Key) {
      self.socket = socket
      self.key = key
    }
  }

  /// The address that a socket is bound to.
  private struct Key: Equatable {
    var host: ListenHost
    var port: Int
    var acceptsIPv4: Bool
  }

  /// One connection.
  private final class Client {
    var socket: Socket?
    let address: SocketAddress
    let host: ListenHost
    var isConnected = false
    var arrival: Arrival?

    init(_ socket: consuming Socket, to address: SocketAddress, _ host: ListenHost) {
      self.socket = consume socket
      (self.address, self.host) = (address, host)
    }

    /// Nil once the socket is closed.
    var localAddress: SocketAddress? {
      do throws(Errno) { return try socket?.localAddress() } catch { return nil }
    }
  }

  /// A connection that somebody else has made.
  private final class Stranger {
    let socket: Socket
    init(_ socket: consuming Socket) { self.socket = socket }
  }

  private let addresses: [LocalAddress]
  private let isRunning: Bool
  private var ports: [Port] = []

  /// Connects to each listener at each address of this machine that it stands for.
  ///
  /// - Parameters:
  ///   - isRunning: whether Kong's own nginx listens already.
  ///   - patience: how long all of it may take, in milliseconds.
  /// - Returns: what came of it, in the order of the listeners.
  static func run(_ listeners: [Listener], isRunning: Bool, patience: Int) -> [Arrivals] {
    var probe = ArrivalProbe(isRunning: isRunning)
    let deadline = MonotonicTime.now + patience
    let opened = listeners.map { probe.open($0, besides: listeners) }
    probe.wait(until: deadline)
    return zip(listeners, opened).map { listener, opened in
      switch opened {
      case .failure(let reason): .untried(reason.text)
      case .success(let index): .tried(probe.arrivals(at: index, of: listener))
      }
    }
  }

  private init(isRunning: Bool) {
    self.isRunning = isRunning
    do throws(Errno) { addresses = try LocalAddress.all() } catch { addresses = [] }
  }

  private struct Reason: Error {
    var text: String
  }

  // MARK: listening

  /// Listens as nginx would.
  ///
  /// nginx opens no socket for an address if it has one for all addresses with this port.
  private mutating func open(
    _ listener: Listener, besides others: [Listener]
  ) -> Result<Int, Reason> {
    guard listener.transport == .tcp, let port = listener.port else {
      let what =
        listener.transport == .udp ? "UDP has no connections that could arrive" : "it is a path"
      return .failure(Reason(text: what))
    }
    guard let host = listener.host, SocketAddress(host, port: 0) != nil else {
      return .failure(Reason(text: "nginx resolves the name when it starts"))
    }
    let isCovered = others.contains {
      $0.port == port && $0.transport == .tcp && $0.host?.isWildcard == true
        && $0.host?.isIPv6 == host.isIPv6
    }
    let key = Key(
      host: isCovered ? (host.isIPv6 ? .ipv6(0) : .ipv4(0)) : host, port: port,
      acceptsIPv4: listener.acceptsIPv4)
    if let index = ports.firstIndex(where: { $0.key == key }) {
      connect(ports[index], to: hosts(of: host))
      return .success(index)
    }
    do throws(Errno) {
      let opened = try openPort(key)
      connect(opened, to: hosts(of: host))
      ports.append(opened)
      return .success(ports.count - 1)
    } catch {
      let reason =
        switch error {
        case .addressInUse: "the port is taken"
        case .permissionDenied: "this process may not bind port \(port), but nginx may"
        default: "bind() fails: \(error)"
        }
      return .failure(Reason(text: reason))
    }
  }

  private func openPort(_ key: Key) throws(Errno) -> Port {
    do throws(Errno) { return Port(try ArrivalProbe.listen(key), key) } catch {
      guard error == .addressInUse, isRunning else { throw error }
      return Port(nil, key)
    }
  }

  private static func listen(_ key: Key) throws(Errno) -> Socket {
    guard let address = SocketAddress(key.host, port: UInt16(key.port)) else {
      throw .addressFamilyNotSupported
    }
    let socket = try Socket(for: address, blocks: false)
    try socket.set(.reuseAddress)
    if key.host.isIPv6 { try socket.set(.onlyIPv6, !key.acceptsIPv4) }
    try socket.bind(to: address)
    try socket.listen(backlog: 64)
    return socket
  }

  // MARK: connecting

  /// Begins a connection to each address.
  private func connect(_ port: Port, to hosts: [ListenHost]) {
    for host in hosts where !port.clients.contains(where: { $0.host == host }) {
      guard let address = SocketAddress(host, port: UInt16(port.key.port)) else { continue }
      do throws(Errno) {
        let socket = try Socket(for: address, blocks: false)
        try socket.resetAtEnd()
        do throws(Errno) { try socket.connect(to: address) } catch {
          // What failed at once fails again below.
        }
        port.clients.append(Client(socket, to: address, host))
      } catch {
        continue
      }
    }
  }

  /// The most addresses that one listener is tried at: a node can have hundreds.
  private static let addressLimit = 8

  /// The address itself, or, if it stands for all, those by which others reach this machine.
  ///
  /// Those of kube-ipvs0 belong to Services, whose connections kube-proxy sends to their pods.
  private func hosts(of host: ListenHost) -> [ListenHost] {
    guard host.isWildcard else { return [host] }
    let reachable = addresses.filter {
      !$0.isLoopback && $0.interface != "kube-ipvs0" && $0.host.isIPv6 == host.isIPv6
        && !$0.host.isLinkLocal
    }
    return Array(reachable.prefix(ArrivalProbe.addressLimit)).map { $0.host }
  }

  /// Waits until it is known of each connection what became of it.
  private func wait(until deadline: MonotonicTime) {
    while true {
      for port in ports {
        for client in port.clients where client.arrival == nil { look(at: client, port) }
        accept(port)
      }
      let isDone = ports.allSatisfy { port in
        port.clients.allSatisfy { $0.arrival != nil || port.socket == nil && $0.isConnected }
      }
      if isDone || deadline.remaining == 0 { break }
      MonotonicTime.pause()
    }
    ports.forEach(conclude)
  }

  /// Asks a second connect(2) what became of the first.
  private func look(at client: Client, _ port: Port) {
    guard !client.isConnected else { return }
    do throws(Errno) {
      try client.socket?.connect(to: client.address)
      client.isConnected = true
    } catch {
      switch error {
      case .isConnected: client.isConnected = true
      case .alreadyInProgress, .nowInProgress: break
      case .connectionRefused: end(client, port, .refused)
      default: end(client, port, .unreachable)
      }
    }
  }

  private func end(_ client: Client, _ port: Port, _ outcome: Arrival.Outcome) {
    let local = client.localAddress
    client.arrival = Arrival(
      host: client.host, port: port.key.port, client: local?.host ?? client.host,
      clientPort: local?.port ?? 0, outcome: outcome)
  }

  /// Takes every connection that waits, and finds the client that made it.
  private func accept(_ port: Port) {
    while true {
      do throws(Errno) {
        guard let socket = try port.socket?.accept() else { return }
        try socket.resetAtEnd()
        let peer = try socket.remoteAddress()
        let client = port.clients.first { $0.arrival == nil && $0.localAddress == peer }
        if let client {
          end(client, port, .arrived)
        } else {
          port.strangers.append(Stranger(socket))
        }
      } catch {
        return
      }
    }
  }

  // MARK: the end

  /// Decides about connections that did not arrive as they were made.
  private func conclude(_ port: Port) {
    for client in port.clients where client.arrival == nil {
      guard client.isConnected else {
        end(client, port, .unanswered)
        continue
      }
      // The kernel has its other end, and has not handed it over yet.
      if isInTable(client, port) {
        end(client, port, .arrived)
        continue
      }
      let endings = port.strangers.filter { $0.socket.hasEnded() }.count
      end(client, port, .elsewhere)
      // A Service can lead back to this very port, with another source. Then its other end learns that the
      // connection is reset.
      client.socket = nil
      if !port.strangers.isEmpty, hasAnotherEnding(port, than: endings) {
        client.arrival?.outcome = .arrived
      }
    }
  }

  private func isInTable(_ client: Client, _ port: Port) -> Bool {
    guard let local = client.localAddress, let host = local.host else { return false }
    return SocketTable.read(isIPv6: host.isIPv6).contains {
      $0.port == port.key.port && $0.host == client.host && $0.remotePort == local.port
        && $0.remoteHost == host
    }
  }

  private func hasAnotherEnding(_ port: Port, than endings: Int) -> Bool {
    for _ in 0..<10 {
      if port.strangers.filter({ $0.socket.hasEnded() }).count > endings { return true }
      MonotonicTime.pause()
    }
    return false
  }

  /// What came of the connections that concern a listener.
  private func arrivals(at index: Int, of listener: Listener) -> [Arrival] {
    let all = ports[index].clients.compactMap { $0.arrival }
    guard let host = listener.host else { return [] }
    let hosts = hosts(of: host)
    return all.filter { hosts.contains($0.host) }
  }
}
