package import Nginx
import Plan
package import Text

/// A connection from here to an address of this machine, on a port that this process listens on.
package struct Arrival: Equatable, Sendable {
  /// What became of it.
  package enum Outcome: Int, CaseIterable, Sendable {
    /// It was accepted here.
    case arrived
    /// It was accepted, but not here.
    case elsewhere
    /// It was refused, although this process listens (ECONNREFUSED).
    case refused
    /// Nobody answered in time.
    case unanswered
    /// There was another error, such as EHOSTUNREACH.
    case unreachable
  }

  /// The address that it was made to.
  package var host: ListenHost
  /// The port that it was made to.
  package var port: Int
  /// The address and the port that it was made from.
  package var client: ListenHost
  package var clientPort: Int
  package var outcome: Outcome
  /// Where it went, by the kernel's table of connections; nil if that is not known.
  package var destination: Destination?

  /// An address and a port.
  package struct Destination: Equatable, Sendable {
    package var host: ListenHost
    package var port: Int

    package init(host: ListenHost, port: Int) {
      (self.host, self.port) = (host, port)
    }
  }

  package init(
    host: ListenHost, port: Int, client: ListenHost, clientPort: Int, outcome: Outcome
  ) {
    (self.host, self.port) = (host, port)
    (self.client, self.clientPort) = (client, clientPort)
    self.outcome = outcome
  }

  fileprivate var target: String { host.text(port: port) }

  /// Whether it certainly went to somebody else.
  fileprivate var isHijacked: Bool {
    outcome == .elsewhere || outcome != .arrived && destination != nil
  }
}

/// What came of the connections to one listener.
package enum Arrivals: Equatable, Sendable {
  /// None was made, for this reason.
  case untried(String)
  case tried([Arrival])
}

/// The check `hostport-hijack`: whether a NAT rule takes connections away from a listener on the host's
/// network, such as that of another pod's hostPort.
///
/// Such a rule is older than any socket: `ss` and `netstat` show Kong listening
/// (kubernetes/kubernetes#65976, k3s-io/k3s#2403). Only the acceptance of a connection shows that it
/// arrives.
package enum HostportHijackCheck {
  /// Decides about one listener.
  package static func verdict(on listener: Listener, _ arrivals: Arrivals) -> Finding.Verdict {
    switch arrivals {
    case .untried(let reason): return .skipped(reason)
    case .tried(let all):
      let hijacked = all.filter { $0.isHijacked }
      if !hijacked.isEmpty { return .failed(isHijacked(listener, hijacked)) }
      let lost = all.filter { $0.outcome != .arrived }
      if !lost.isEmpty { return .warning(isLost(listener, lost)) }
      return all.isEmpty ? .skipped("this machine has no address to connect to") : .passed
    }
  }

  private static func isHijacked(_ listener: Listener, _ arrivals: [Arrival]) -> Explanation {
    let first = arrivals.first { $0.destination != nil } ?? arrivals[0]
    let port = first.port
    var why = "a connection from here to \(first.target) did not arrive here"
    var waysOut: [String] = []
    if let destination = first.destination {
      why += "; it went to \(destination.host.text(port: destination.port))"
      waysOut.append(
        "kubectl get pods -A -o wide | grep -wF \(destination.host.text), and remove its hostPort")
    } else {
      why += ", though somebody accepted it"
      waysOut.append(
        "find the pod with hostPort \(port), and remove it: kubectl get pods -A -o custom-columns="
          + "'NAMESPACE:.metadata.namespace,POD:.metadata.name,NODE:.spec.nodeName,PORTS:..hostPort'"
          + " | grep -w \(port)")
    }
    waysOut += [
      "k3s: its load balancer (svclb) uses hostPorts, too: start k3s with --disable=servicelb, or give"
        + " its Service another port",
      "if no pod has it, the rule is left over: on the node, iptables-save -t nat, or nft list ruleset,"
        + " shows what is done to port \(port)",
      "listen on another port",
    ]
    return Explanation(
      what: "connections to \(hosts(arrivals)) do not reach Kong on \(listener.endpoint):"
        + " another pod's hostPort takes them",
      why: why, waysOut: waysOut)
  }

  private static func isLost(_ listener: Listener, _ arrivals: [Arrival]) -> Explanation {
    let (first, port) = (arrivals[0], arrivals[0].port)
    let how =
      switch first.outcome {
      case .refused: "was refused, although entrypoint was listening"
      case .unanswered: "had no answer within 300 ms, although entrypoint was listening"
      default: "failed, although entrypoint was listening"
      }
    return Explanation(
      what:
        "connections to \(hosts(arrivals)) may not reach Kong on \(listener.endpoint): one from here did"
        + " not arrive",
      why:
        "a connection from here to \(first.target) \(how): a hostPort's rule whose pod is gone, or a"
        + " firewall of the node",
      waysOut: [
        "on the node, iptables-save, or nft list ruleset, shows what is done to port \(port);"
          + " CNI-HOSTPORT-DNAT is the chain of hostPorts",
        "run entrypoint --check as root: it may then read in /proc/net/nf_conntrack where they go",
        "if the firewall drops only connections from the node itself, ignore this:"
          + " ENTRYPOINT_CHECKS=-hostport-hijack",
      ])
  }

  /// "192.0.2.10, 198.51.100.7 and 2 more".
  private static func hosts(_ arrivals: [Arrival]) -> String {
    let shown = arrivals.prefix(3).map { $0.host.text }.joined(separator: ", ")
    return shown + (arrivals.count > 3 ? " and \(arrivals.count - 3) more" : "")
  }
}

// MARK: what a process without privileges sends

extension ListenHost {
  fileprivate func write(to writer: inout MessageWriter) {
    switch self {
    case .ipv4(let address):
      writer.flag(false)
      writer.text(ListenHost.bytes(UInt128(address), count: 4))
    case .ipv6(let address):
      writer.flag(true)
      writer.text(ListenHost.bytes(address, count: 16))
    // No connection is made to a name.
    case .name: writer.flag(true)
    }
  }

  fileprivate init(from reader: inout MessageReader) throws(MalformedMessage) {
    let isIPv6 = try reader.flag()
    let bytes = try reader.bytes(limit: 16).bytes
    guard bytes.count == (isIPv6 ? 16 : 4) else { throw MalformedMessage() }
    let value = bytes.reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
    self = isIPv6 ? .ipv6(value) : .ipv4(UInt32(truncatingIfNeeded: value))
  }

  private static func bytes(_ value: UInt128, count: Int) -> ByteString {
    ByteString(
      (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt128(8 * (count - 1 - $0))) })
  }
}

extension Arrival: Message {
  /// Writes all but the destination, which not everybody may look up.
  package func write(to writer: inout MessageWriter) {
    host.write(to: &writer)
    writer.number(port)
    client.write(to: &writer)
    writer.number(clientPort)
    writer.number(outcome.rawValue)
  }

  /// Reads it.
  package init(from reader: inout MessageReader) throws(MalformedMessage) {
    host = try ListenHost(from: &reader)
    port = try reader.number(1...65535)
    client = try ListenHost(from: &reader)
    clientPort = try reader.number(0...65535)
    let number = try reader.number(0...(Outcome.allCases.count - 1))
    outcome = Outcome(rawValue: number) ?? .unreachable
  }
}

extension Arrivals: Message {
  /// Writes all of it.
  package func write(to writer: inout MessageWriter) {
    switch self {
    case .untried(let reason):
      writer.flag(false)
      writer.text(reason)
    case .tried(let all):
      writer.flag(true)
      all.write(to: &writer)
    }
  }

  /// Reads it.
  package init(from reader: inout MessageReader) throws(MalformedMessage) {
    self =
      try reader.flag()
      ? .tried(try [Arrival](from: &reader))
      : .untried(try reader.text(limit: Explanation.messageLimit))
  }
}
