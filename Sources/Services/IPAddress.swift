import Nginx
import Text

/// An address of IPv4 or IPv6, without a port.
package enum IPAddress: Hashable, Sendable {
  /// As a number, the first of the four in its highest byte.
  case ipv4(UInt32)
  /// As a number.
  case ipv6(UInt128)

  /// Reads "127.0.0.1" or "::1"; nil for anything else, also for an address with a scope ("fe80::1%eth0").
  package init?(_ text: ArraySlice<UInt8>) {
    if let address = ListenHost.ipv4(text) {
      self = .ipv4(address)
    } else if let address = ListenHost.ipv6(text) {
      self = .ipv6(address)
    } else {
      return nil
    }
  }

  /// 127.0.0.1.
  package static let loopback = IPAddress.ipv4(0x7f00_0001)

  /// The address with a port: "127.0.0.1:80", "[::1]:80".
  package func text(port: UInt16) -> String {
    switch self {
    case .ipv4: "\(description):\(port)"
    case .ipv6: "[\(description)]:\(port)"
    }
  }
}

extension IPAddress: CustomStringConvertible {
  /// The address in its usual form; of IPv6 with "::" for the longest run of zeros (RFC 5952, section 4.2).
  package var description: String {
    switch self {
    case .ipv4(let address):
      "\(address >> 24).\(address >> 16 & 0xff).\(address >> 8 & 0xff).\(address & 0xff)"
    case .ipv6(let address):
      IPAddress.text(of: (0..<8).map { UInt16(truncatingIfNeeded: address >> (112 - 16 * $0)) })
    }
  }

  private static func text(of groups: [UInt16]) -> String {
    var run = 0..<0
    for start in groups.indices {
      let end = groups[start...].firstIndex { $0 != 0 } ?? groups.endIndex
      if end - start > max(run.count, 1) { run = start..<end }
    }
    let hex = { (groups: ArraySlice<UInt16>) in
      groups.map { String($0, radix: 16) }.joined(separator: ":")
    }
    return run.isEmpty
      ? hex(groups[...]) : hex(groups[..<run.lowerBound]) + "::" + hex(groups[run.upperBound...])
  }
}
