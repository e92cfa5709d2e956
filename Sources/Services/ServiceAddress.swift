import Nginx
package import Text

/// Where a service listens: a host and a port.
package struct ServiceAddress: Equatable, Sendable {
  /// An address, or a name to resolve.
  package enum Host: Equatable, Sendable {
    case address(IPAddress)
    case name(ByteString)
  }

  /// Where it runs.
  package var host: Host
  /// The port of TCP.
  package var port: UInt16

  /// Reads "HOST:PORT", with an IPv6 address in brackets; nil for anything else.
  package init?(_ text: ByteString) {
    guard let colon = text.bytes.lastIndex(of: UInt8(ascii: ":")) else { return nil }
    let host = text.bytes[..<colon]
    let isAddress = host.contains(UInt8(ascii: ":"))
    guard let inner = isAddress ? ListenHost.insideBrackets(host) : host else { return nil }
    self.init(host: inner, port: text.bytes[(colon + 1)...])
  }

  /// Reads the two parts, an IPv6 address without brackets; nil if one of them is invalid.
  package init?(host: ArraySlice<UInt8>, port: ArraySlice<UInt8>) {
    guard (1...5).contains(port.count), port.allSatisfy(isDigit),
      let number = UInt16(exactly: port.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }),
      number > 0
    else { return nil }
    self.port = number
    if let address = IPAddress(host) {
      self.host = .address(address)
    } else {
      // The last part of a name is no number: "10.0.0" is an incomplete address (RFC 3696, section 2).
      let last = host.split(separator: UInt8(ascii: ".")).last ?? []
      guard ListenHost.isName(host), DNSName(host) != nil, !last.allSatisfy(isDigit) else {
        return nil
      }
      self.host = .name(ByteString(Array(host)))
    }
  }

  /// The rule that any other text breaks.
  package static let rule =
    "it must be HOST:PORT, such as db:5432, 10.0.0.1:80 or [::1]:80, with a port from 1 to 65535"
}

extension ServiceAddress: CustomStringConvertible {
  /// As it is written.
  package var description: String {
    switch host {
    case .address(let address): address.text(port: port)
    case .name(let name): "\(name):\(port)"
    }
  }
}
