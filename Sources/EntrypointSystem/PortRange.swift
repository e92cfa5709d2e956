import EntrypointPlan
import SystemPackage

/// The ports that any process may bind to (ip(7)).
enum PortRange {
  /// net.ipv4.ip_unprivileged_port_start of this network namespace; it rules IPv6 and UDP too.
  ///
  /// 1024 where the file is not there: the kernel is older than 4.11, or has no IPv4.
  ///
  /// - Throws: ``SystemCallFailure`` where the file is there and cannot be read.
  static func unprivilegedStart() throws(SystemCallFailure) -> Int {
    let path: FilePath = "/proc/sys/net/ipv4/ip_unprivileged_port_start"
    guard let bytes = try contentsIfPresent(of: path) else { return 1024 }
    return Int(String(decoding: bytes.prefix { $0 != 0x0a }, as: UTF8.self)) ?? 1024
  }
}
