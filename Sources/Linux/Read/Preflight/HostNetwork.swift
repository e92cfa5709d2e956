import Text

/// Whether this is the network of a node, and not one of the container's own.
enum HostNetwork {
  /// Whether packets can leave through more than one interface.
  ///
  /// A rule that sends a hostPort to a pod needs a route to that pod, beside the node's own. A container
  /// has usually one interface beside the loopback. One that has more, and is no node, loses nothing.
  static func isLikely() -> Bool {
    routes("/proc/net/route", hasHeader: true, interface: 0)
      || routes("/proc/net/if_inet6", hasHeader: false, interface: 5)
  }

  /// In bytes: some thousand lines.
  private static let limit = 256 * 1024

  /// Whether the lines of a file name two interfaces (proc_pid_net(5)).
  ///
  /// - Parameter interface: which of the words of a line it is.
  private static func routes(_ path: ByteString, hasHeader: Bool, interface: Int) -> Bool {
    let text: [UInt8]
    do throws(Errno) { text = try OpenFile(ofKernel: path).contents(limit: limit) } catch {
      return false
    }
    return hasTwoInterfaces(text, hasHeader: hasHeader, interface: interface)
  }

  static func hasTwoInterfaces(_ text: [UInt8], hasHeader: Bool, interface: Int) -> Bool {
    var first: ArraySlice<UInt8>?
    for line in text.split(separator: UInt8(ascii: "\n")).dropFirst(hasHeader ? 1 : 0) {
      let words = line.split { $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: " ") }
      guard interface < words.count, !words[interface].equals("lo") else { continue }
      if let first, !first.elementsEqual(words[interface]) { return true }
      first = words[interface]
    }
    return false
  }
}
