import Nginx
import Services
import Text
import CLinux

/// An address that a socket can be bound or connected to.
enum SocketAddress: Equatable {
  /// ip(7), in the order of the host's bytes.
  case ipv4(UInt32, port: UInt16)
  /// ipv6(7).
  case ipv6(UInt128, port: UInt16)
  /// unix(7): a path of at most 107 bytes.
  case unix(ByteString)

  /// The address of a listener's host; nil for a name.
  init?(_ host: ListenHost, port: UInt16) {
    switch host {
    case .ipv4(let address): self = .ipv4(address, port: port)
    case .ipv6(let address): self = .ipv6(address, port: port)
    case .name: return nil
    }
  }

  /// The port; 0 for a path.
  var port: Int {
    switch self {
    case .ipv4(_, let port), .ipv6(_, let port): Int(port)
    case .unix: 0
    }
  }

  /// The host; nil for a path.
  var host: ListenHost? {
    switch self {
    case .ipv4(let address, _): .ipv4(address)
    case .ipv6(let address, _): .ipv6(address)
    case .unix: nil
    }
  }

  /// What a call has written; nil for another family.
  fileprivate init?(_ storage: sockaddr_storage) {
    var storage = storage
    let address = unsafe withUnsafeMutableBytes(of: &storage) { bytes in
      unsafe bytes.baseAddress.flatMap {
        unsafe SocketAddress($0.assumingMemoryBound(to: sockaddr.self))
      }
    }
    guard let address else { return nil }
    self = address
  }

  /// What is there, as large as its family says; nil for another family.
  init?(_ pointer: UnsafeMutablePointer<sockaddr>) {
    let raw = UnsafeRawPointer(pointer)
    switch Int32(unsafe pointer.pointee.sa_family) {
    case AF_INET:
      let name = unsafe raw.loadUnaligned(as: sockaddr_in.self)
      self = .ipv4(
        UInt32(bigEndian: name.sin_addr.s_addr), port: UInt16(bigEndian: name.sin_port))
    case AF_INET6:
      var name = unsafe raw.loadUnaligned(as: sockaddr_in6.self)
      let address = unsafe withUnsafeBytes(of: &name.sin6_addr) {
        unsafe $0.loadUnaligned(as: UInt128.self)
      }
      self = .ipv6(UInt128(bigEndian: address), port: UInt16(bigEndian: name.sin6_port))
    default: return nil
    }
  }

  fileprivate var family: Int32 {
    switch self {
    case .ipv4: AF_INET
    case .ipv6: AF_INET6
    case .unix: AF_UNIX
    }
  }

  /// Calls `body` with the kernel's form of the address, and its size.
  fileprivate func withPointer<Result>(
    _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    switch self {
    case .ipv4(let address, let port):
      var name = sockaddr_in()
      name.sin_family = sa_family_t(AF_INET)
      name.sin_port = port.bigEndian
      name.sin_addr.s_addr = address.bigEndian
      return unsafe SocketAddress.withPointer(to: &name, body)
    case .ipv6(let address, let port):
      var name = sockaddr_in6()
      name.sin6_family = sa_family_t(AF_INET6)
      name.sin6_port = port.bigEndian
      unsafe withUnsafeMutableBytes(of: &name.sin6_addr) {
        unsafe $0.storeBytes(of: address.bigEndian, as: UInt128.self)
      }
      return unsafe SocketAddress.withPointer(to: &name, body)
    case .unix(let path):
      var name = sockaddr_un()
      name.sun_family = sa_family_t(AF_UNIX)
      unsafe withUnsafeMutableBytes(of: &name.sun_path) {
        unsafe $0.copyBytes(from: path.bytes.prefix(107))
      }
      return unsafe SocketAddress.withPointer(to: &name, body)
    }
  }

  private static func withPointer<Name, Result>(
    to name: inout Name, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    unsafe withUnsafePointer(to: &name) { pointer in
      let address = unsafe UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self)
      return unsafe body(address, socklen_t(MemoryLayout<Name>.size))
    }
  }
}

extension SocketAddress {
  /// An address with a port.
  init(_ address: IPAddress, port: UInt16) {
    switch address {
    case .ipv4(let number): self = .ipv4(number, port: port)
    case .ipv6(let number): self = .ipv6(number, port: port)
    }
  }
}

/// A socket, which no other process sees unless it is bound (socket(2)).
struct Socket: ~Copyable {
  private let descriptor: Descriptor

  /// SOCK_STREAM or SOCK_DGRAM.
  enum Kind {
    case stream
    case datagram
  }

  /// A socket of the family that addresses like this one belong to.
  ///
  /// - Parameter blocks: whether ``connect(to:)`` waits.
  init(
    for address: SocketAddress, _ kind: Kind = .stream, blocks: Bool = true
  ) throws(Errno) {
    let type =
      (kind == .stream ? linux_sock_stream : linux_sock_datagram)
      | (blocks ? 0 : linux_sock_nonblocking)
    descriptor = try Descriptor(owning: retried { socket(address.family, type, 0) })
  }

  /// A switch of a socket (setsockopt(2)).
  enum Option {
    /// SO_REUSEADDR: an address may be bound that another such socket is bound to, and does not listen on.
    case reuseAddress
    /// SO_REUSEPORT: sockets of one user that all have it may listen on one address.
    case reusePort
    /// IPV6_V6ONLY: it takes no connections of IPv4.
    case onlyIPv6
  }

  /// Turns a switch on, or off.
  borrowing func set(_ option: Option, _ isOn: Bool = true) throws(Errno) {
    var value: Int32 = isOn ? 1 : 0
    let number = descriptor.number
    let (level, name) =
      switch option {
      case .reuseAddress: (SOL_SOCKET, SO_REUSEADDR)
      case .reusePort: (SOL_SOCKET, SO_REUSEPORT)
      case .onlyIPv6: (linux_ipproto_ipv6, IPV6_V6ONLY)
      }
    try retried {
      unsafe setsockopt(number, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }
  }

  /// Has the connection end with a reset when this value goes: the other end learns of it at once, and
  /// nothing of it stays (socket(7), SO_LINGER).
  borrowing func resetAtEnd() throws(Errno) {
    var value = linger(l_onoff: 1, l_linger: 0)
    let number = descriptor.number
    try retried {
      unsafe setsockopt(
        number, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
    }
  }

  /// bind(2).
  borrowing func bind(to address: SocketAddress) throws(Errno) {
    let number = descriptor.number
    _ = try retried { unsafe address.withPointer { unsafe CLinux.bind(number, $0, $1) } }
  }

  /// connect(2).
  borrowing func connect(to address: SocketAddress) throws(Errno) {
    let number = descriptor.number
    _ = try retried { unsafe address.withPointer { unsafe CLinux.connect(number, $0, $1) } }
  }
  /// The address that this end has (getsockname(2)); nil for one of another family.
  borrowing func localAddress() throws(Errno) -> SocketAddress? {
    unsafe try address(getsockname)
  }

  /// The address of the other end (getpeername(2)); nil for one of another family.
  borrowing func remoteAddress() throws(Errno) -> SocketAddress? {
    unsafe try address(getpeername)
  }

  private borrowing func address(
    _ call: (Int32, UnsafeMutablePointer<sockaddr>?, UnsafeMutablePointer<socklen_t>?) -> Int32
  ) throws(Errno) -> SocketAddress? {
    let number = descriptor.number
    var storage = sockaddr_storage()
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    try retried {
      unsafe withUnsafeMutableBytes(of: &storage) {
        unsafe call(number, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), &size)
      }
    }
    return SocketAddress(storage)
  }

  /// listen(2).
  borrowing func listen(backlog: Int32) throws(Errno) {
    let number = descriptor.number
    try retried { CLinux.listen(number, backlog) }
  }

  /// Takes a connection that waits; the socket for it does not block (accept4(2)).
  ///
  /// - Throws: EAGAIN if none waits, and this socket does not block.
  borrowing func accept() throws(Errno) -> Socket {
    let number = descriptor.number
    return Socket(try Descriptor(owning: retried { linux_accept(number) }))
  }

  private init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

  /// Whether the other end has ended the connection, in any way.
  ///
  /// This socket must not block; what has arrived before is read and lost.
  borrowing func hasEnded() -> Bool {
    do throws(Errno) { return try descriptor.readOnce(upTo: 64).isEmpty } catch {
      return error != .resourceTemporarilyUnavailable
    }
  }

  /// connect(2), and waits for the outcome (poll(2), SO_ERROR); the socket must not block.
  ///
  /// - Throws: `Errno`: ETIMEDOUT when the time is over.
  borrowing func connect(to address: SocketAddress, until deadline: MonotonicTime) throws(Errno) {
    do throws(Errno) {
      return try connect(to: address)
    } catch {
      if error != .nowInProgress { throw error }
    }
    let number = descriptor.number
    var event = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
    guard try retried({ unsafe poll(&event, 1, Int32(deadline.remaining)) }) > 0 else {
      throw .timedOut
    }
    var reason: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    try retried { unsafe getsockopt(number, SOL_SOCKET, SO_ERROR, &reason, &size) }
    if reason != 0 { throw Errno(rawValue: reason) }
  }

  /// Sends a few bytes, for which a new connection always has room (send(2), MSG_NOSIGNAL).
  borrowing func send(_ bytes: [UInt8]) throws(Errno) {
    let number = descriptor.number
    let count = try retried {
      unsafe CLinux.send(number, bytes, bytes.count, Int32(linux_msg_nosignal))
    }
    if count < bytes.count { throw .resourceTemporarilyUnavailable }
  }

  /// Receives what is there, or comes in time; nothing at the end of the connection.
  ///
  /// - Throws: `Errno`: ETIMEDOUT when the time is over.
  borrowing func receive(
    upTo count: Int, until deadline: MonotonicTime
  ) throws(Errno) -> [UInt8] {
    guard try descriptor.isReadable(until: deadline) else { throw .timedOut }
    return try descriptor.readOnce(upTo: count)
  }
}
