package import Text

/// The block of an nginx configuration that a server stands in.
package enum NginxServerKind: String, Sendable {
  case http
  case stream
  case mail
}

/// A `listen` directive of an nginx configuration, or the default of a server without one.
package struct NginxListen: Hashable, Sendable {
  /// The file as printed.
  package var file: String
  /// The line of the directive, or of the server that has none; 0 where a setting injects it.
  package var line: Int
  /// The kind of server that listens.
  package var server: NginxServerKind
  /// The words behind "listen", escapes resolved.
  package var arguments: [ByteString]

  /// How many arguments are kept; nginx knows about 20.
  package static let argumentLimit = 32
  /// How many bytes of a parameter are kept; no parameter of nginx's has half as many.
  package static let parameterLimit = 64

  /// "FILE:LINE", or the setting.
  package var source: String { line == 0 ? file : "\(file):\(line)" }

  /// Why a directive says nothing about where nginx will listen, or a file nothing at all.
  package struct Fault: Error, Equatable {
    /// The word that is wrong, quoted before the reason; nil where it is the directive or the file.
    private var word: ByteString?
    private var rule: String

    init(_ word: ByteString? = nil, reason: String) {
      (self.word, rule) = (word, reason)
    }

    fileprivate init(_ word: ArraySlice<UInt8>, reason: String) {
      self.init(ByteString(Array(word)), reason: reason)
    }

    /// A phrase.
    ///
    /// Composed on demand, because few of 20,000 are shown.
    package var reason: String { word.map { "\"\($0.shortened)\" \(rule)" } ?? rule }
  }

  /// Where the directive makes nginx listen, as ngx_parse_url() understands it
  /// (src/core/ngx_inet.c).
  ///
  /// A port alone and "*" become 0.0.0.0, which is what they mean. Parameters are kept unjudged: a
  /// later nginx may have more.
  ///
  /// - Throws: ``Fault`` where it says nothing that nginx could understand.
  package func listener() throws(Fault) -> Listener {
    guard let endpoint = arguments.first else { throw Fault(reason: "it has no address") }
    return Listener(
      source: file, line: line, address: try address(endpoint),
      flags: arguments.dropFirst().map { NginxListen.shown($0) })
  }

  private static func shown(_ parameter: ByteString) -> String {
    parameter.bytes.count <= parameterLimit
      ? parameter.description
      : ByteString(Array(parameter.bytes.prefix(parameterLimit))).description
  }

  private func address(_ endpoint: ByteString) throws(Fault) -> ListenAddress {
    let bytes = endpoint.bytes[...]
    // nginx takes "UNIX:" too.
    if bytes.begins(with: "unix:", inAnyCase: true) {
      return try NginxListen.unix(bytes.dropFirst(5))
    }
    guard endpoint.text != nil else { throw Fault(endpoint, reason: "is not UTF-8") }
    if bytes.contains(UInt8(ascii: "$")) {
      throw Fault(endpoint, reason: "contains a variable, and nginx expands none here")
    }
    return try bytes.first == UInt8(ascii: "[") ? inet6(bytes) : inet(bytes)
  }

  private static func unix(_ path: ArraySlice<UInt8>) throws(Fault) -> ListenAddress {
    if path.isEmpty { throw Fault(reason: "it names a socket without a path") }
    // sun_path has 108 bytes, one of them for the NUL (unix(7)).
    if path.count > 107 { throw Fault(reason: "the socket's path is longer than 107 bytes") }
    return .unix(path: ByteString(Array(path)).description)
  }

  private func inet6(_ bytes: ArraySlice<UInt8>) throws(Fault) -> ListenAddress {
    guard let bracket = bytes.firstIndex(of: UInt8(ascii: "]")),
      ListenHost.ipv6(bytes[(bytes.startIndex + 1)..<bracket]) != nil
    else { throw Fault(bytes, reason: "is not an IPv6 address") }
    let host = bytes[...bracket]
    let rest = bytes[(bracket + 1)...]
    if rest.isEmpty { return try withoutPort(host) }
    guard rest.first == UInt8(ascii: ":"), let ports = NginxListen.ports(rest.dropFirst()) else {
      throw NginxListen.badPort(bytes)
    }
    return NginxListen.address(host, ports)
  }

  private func inet(_ bytes: ArraySlice<UInt8>) throws(Fault) -> ListenAddress {
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else {
      if let ports = NginxListen.ports(bytes) {
        return NginxListen.address(NginxListen.everyHost, ports)
      }
      if bytes.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: "-") }) {
        throw NginxListen.badPort(bytes)
      }
      return try withoutPort(NginxListen.host(bytes))
    }
    guard let ports = NginxListen.ports(bytes[(colon + 1)...]) else {
      throw NginxListen.badPort(bytes)
    }
    return NginxListen.address(try NginxListen.host(bytes[..<colon]), ports)
  }

  private static let everyHost = Array("0.0.0.0".utf8)[...]

  private static func host(_ bytes: ArraySlice<UInt8>) throws(Fault) -> ArraySlice<UInt8> {
    if bytes.equals("*") { return everyHost }
    guard ListenHost.isName(bytes) else {
      throw Fault(bytes, reason: "is not an address or a host name")
    }
    return bytes
  }

  /// Only http has a default (ngx_http_core_listen()).
  private func withoutPort(_ host: ArraySlice<UInt8>) throws(Fault) -> ListenAddress {
    guard server == .http else { throw Fault(host, reason: "has no port") }
    return NginxListen.address(host, 80...80)
  }

  private static func address(
    _ host: ArraySlice<UInt8>, _ ports: ClosedRange<Int>
  ) -> ListenAddress {
    let host = String(decoding: host, as: UTF8.self)
    return ports.count == 1
      ? .inet(host: host, port: ports.lowerBound) : .portRange(host: host, ports: ports)
  }

  /// "80" or "8000-8010", each from 1 to 65535, the second not below the first.
  private static func ports(_ bytes: ArraySlice<UInt8>) -> ClosedRange<Int>? {
    guard let dash = bytes.firstIndex(of: UInt8(ascii: "-")) else {
      return ListenAddress.port(bytes).map { $0...$0 }
    }
    guard let first = ListenAddress.port(bytes[..<dash]),
      let last = ListenAddress.port(bytes[(dash + 1)...]), first <= last
    else { return nil }
    return first...last
  }

  private static func badPort(_ bytes: ArraySlice<UInt8>) -> Fault {
    Fault(bytes, reason: "has no port or range of ports from 1 to 65535")
  }
}

extension ByteString {
  /// A path as text, cut so that a hostile one cannot fill the log.
  package var shortened: String {
    let limit = 255
    return bytes.count > limit ? "\(ByteString(Array(bytes.prefix(limit))))..." : description
  }
}
