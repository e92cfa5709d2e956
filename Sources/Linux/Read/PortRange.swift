import Capabilities
import Text

/// The ports that any process may bind to (ip(7)).
enum PortRange {
  /// net.ipv4.ip_unprivileged_port_start of this network namespace; it also governs IPv6 and UDP.
  ///
  /// If the file is missing, ports are tried. That is so if /proc is masked or mounted without it, with
  /// kernels before 4.11, and with gVisor.
  ///
  /// - Parameter own: who this process is.
  /// - Throws: ``SystemCallFailure`` if the file exists and cannot be read, or does not hold a port.
  static func unprivilegedStart(own: Credentials) throws(SystemCallFailure) -> Int {
    let path: ByteString = "/proc/sys/net/ipv4/ip_unprivileged_port_start"
    guard let bytes = try contentsIfPresent(ofKernel: path) else { return try probe(own: own) }
    let text = bytes.prefix { $0 != 0x0a }
    let isNumber =
      !text.isEmpty && text.count <= 5 && text.allSatisfy { (0x30...0x39).contains($0) }
    guard isNumber, let value = Int(String(decoding: text, as: UTF8.self)), value <= last else {
      let shown = ByteString(Array(text.prefix(40)))
      throw SystemCallFailure(
        "read(\(path))", .invalidArgument,
        cause: SystemCallFailure.Cause(
          why:
            "it says \"\(shown)\", which is not a port, so nobody knows which listeners need a capability",
          waysOut: ["mount the kernel's own /proc in the container"]))
    }
    return value
  }

  private static let last = 65535

  /// Finds the lowest port that can be bound without cap_net_bind_service, by binding.
  ///
  /// It never listens, and sets SO_REUSEADDR as nginx does, so nginx can bind the port at the same time.
  private static func probe(own: Credentials) throws(SystemCallFailure) -> Int {
    let isHeld = own.effective.contains(.netBindService)
    if isHeld {
      try own.set(effective: own.effective.subtracting(CapabilitySet(.netBindService)))
    }
    var (lowest, highest) = (1, last)
    while lowest < highest {
      let port = (lowest + highest) / 2
      if isRefused(port) { lowest = port + 1 } else { highest = port }
    }
    if isHeld { try own.set(effective: own.effective) }
    return lowest == 1 ? 0 : lowest
  }

  /// Whether bind(2) fails with EACCES.
  ///
  /// A port that is in use may be bound.
  private static func isRefused(_ port: Int) -> Bool {
    let address = SocketAddress.ipv4(0, port: UInt16(port))
    let socket: Socket
    // Without IPv4 the rule cannot be tried; this is the kernel's default.
    do throws(Errno) { socket = try Socket(for: address) } catch { return port < 1024 }
    do throws(Errno) {
      try socket.set(.reuseAddress)
      try socket.bind(to: address)
      return false
    } catch {
      return error == .permissionDenied
    }
  }
}
