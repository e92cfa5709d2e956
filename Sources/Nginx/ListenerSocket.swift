import Text

/// The identity of a listener's socket, independent of the spelling of its address.
///
/// Numbers are compared first, so that sorting 20,000 of them is fast.
package struct ListenerSocket: Hashable, Sendable {
  private var kind: Kind
  private var address: UInt128 = 0
  private var ports: UInt32 = 0
  /// The host's name, or the path of a socket in the file system.
  private var name = ""

  private enum Kind: UInt8 {
    case ipv4, ipv6, name, unix
  }

  private var isUDP: Bool

  package init(_ listener: Listener) {
    isUDP = listener.transport == .udp
    switch listener.address {
    case .unix(let path): (kind, name) = (.unix, path)
    case .inet(let host, let port):
      kind = .name
      set(ListenHost(host), port...port)
    case .portRange(let host, let ports):
      kind = .name
      set(ListenHost(host), ports)
    }
  }

  private mutating func set(_ host: ListenHost, _ range: ClosedRange<Int>) {
    ports = UInt32(range.lowerBound) << 16 | UInt32(range.upperBound)
    switch host {
    case .ipv4(let address): (kind, self.address) = (.ipv4, UInt128(address))
    case .ipv6(let address): (kind, self.address) = (.ipv6, address)
    case .name(let name): self.name = name
    }
  }
}

extension ListenerSocket: Comparable {
  package static func < (left: ListenerSocket, right: ListenerSocket) -> Bool {
    if left.ports != right.ports { return left.ports < right.ports }
    if left.address != right.address { return left.address < right.address }
    if left.kind != right.kind { return left.kind.rawValue < right.kind.rawValue }
    if left.isUDP != right.isUDP { return right.isUDP }
    return left.name < right.name
  }
}

extension [Listener] {
  /// The indices of those listeners that are one socket, in groups of at least two, each in order.
  ///
  /// Listeners of one socket have the same port, so sockets are compared only within a port.
  package var ofOneSocket: [[Int]] {
    map { $0.port ?? 0 }.groupsOfEqual.flatMap { group in
      group.map { ListenerSocket(self[$0]) }.groupsOfEqual.map { same in same.map { group[$0] } }
    }
  }
}
