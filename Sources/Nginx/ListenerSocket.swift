/// What makes two listeners one socket, whatever their addresses are written like.
///
/// Numbers first, so that 20,000 of them are soon sorted.
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
  /// Sorts to find them: at each start the runtime would have to make the type of a dictionary, which
  /// costs more than all else here.
  package var ofOneSocket: [[Int]] {
    guard count > 1 else { return [] }
    let sockets = map { ListenerSocket($0) }
    let order = indices.sorted {
      sockets[$0] == sockets[$1] ? $0 < $1 : sockets[$0] < sockets[$1]
    }
    var groups: [[Int]] = []
    var start = 0
    for end in 1...order.count
    where end == order.count || sockets[order[end]] != sockets[order[start]] {
      if end - start > 1 { groups.append(Array<Int>(order[start..<end])) }
      start = end
    }
    return groups
  }
}
