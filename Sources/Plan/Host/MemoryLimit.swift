import Text

/// How much memory a control group may use.
///
/// `docker run --memory` and a limit of Kubernetes set it (`memory.max` of cgroup v2,
/// `memory.limit_in_bytes` of v1).
package struct MemoryLimit: Equatable, Sendable {
  /// More than that ends a process of the group.
  package var bytes: Int

  /// A limit of so many bytes.
  package init(bytes: Int) { self.bytes = bytes }

  /// Reads the contents of either file; nil without a limit ("max", or almost 2^63 in v1), and for anything
  /// else.
  package init?(_ contents: [UInt8]) {
    let digits = contents.prefix { $0 != UInt8(ascii: "\n") }
    // 15 digits are 900 TiB.
    guard (1...15).contains(digits.count), digits.allSatisfy(isDigit) else { return nil }
    bytes = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
  }
}
