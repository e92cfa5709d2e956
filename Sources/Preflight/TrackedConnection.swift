import Nginx
import Text

extension Arrivals {
  /// The connections that have not arrived.
  package var lost: [Arrival] {
    if case .tried(let all) = self { all.filter { $0.outcome != .arrived } } else { [] }
  }

  /// Looks up in the kernel's table of connections where those went that have not arrived.
  ///
  /// A line has the connection as it was begun, and the answer to it: "src=A dst=B sport=1 dport=80 src=C
  /// dst=A sport=8080 dport=1". If C is not B, or the port is another, a rule has sent it to C.
  package mutating func addDestinations(from table: [UInt8]) {
    guard case .tried(var all) = self else { return }
    for line in table.split(separator: UInt8(ascii: "\n")) {
      guard let connection = TrackedConnection(line) else { continue }
      for index in all.indices
      where all[index].outcome != .arrived && connection.began(as: all[index]) {
        all[index].destination = connection.destination
      }
    }
    self = .tried(all)
  }
}

/// A line of /proc/net/nf_conntrack.
private struct TrackedConnection {
  var sources: [ListenHost] = []
  var targets: [ListenHost] = []
  var sourcePorts: [Int] = []
  var targetPorts: [Int] = []

  /// - Returns: nil if it is no connection of TCP.
  init?(_ line: ArraySlice<UInt8>) {
    for word in line.split(separator: UInt8(ascii: " ")) {
      guard let equals = word.firstIndex(of: UInt8(ascii: "=")) else { continue }
      let (name, value) = (word[..<equals], word[(equals + 1)...])
      if name.equals("src") || name.equals("dst") {
        guard
          let host = ListenHost.ipv4(value).map({ .ipv4($0) })
            ?? ListenHost.ipv6(value).map({ ListenHost.ipv6($0) })
        else { return nil }
        if name.equals("src") { sources.append(host) } else { targets.append(host) }
      } else if name.equals("sport") || name.equals("dport") {
        guard let port = ListenAddress.port(value) else { return nil }
        if name.equals("sport") { sourcePorts.append(port) } else { targetPorts.append(port) }
      }
    }
    guard [sources.count, targets.count, sourcePorts.count, targetPorts.count] == [2, 2, 2, 2]
    else {
      return nil
    }
  }

  func began(as arrival: Arrival) -> Bool {
    sources[0] == arrival.client && targets[0] == arrival.host
      && sourcePorts[0] == arrival.clientPort && targetPorts[0] == arrival.port
  }

  /// Where it was sent; nil if that is where it was made to.
  var destination: Arrival.Destination? {
    sources[1] == targets[0] && sourcePorts[1] == targetPorts[0]
      ? nil : Arrival.Destination(host: sources[1], port: sourcePorts[1])
  }
}
