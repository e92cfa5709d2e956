import Preflight
import Text

extension SocketTable {
  /// In bytes, of which a socket takes 150; those that listen come first.
  private static let limit = 4 << 20

  /// Reads the sockets of TCP, or of UDP, of this network namespace; nothing where the kernel does not list
  /// them.
  static func read(isIPv6: Bool, isUDP: Bool = false) -> [Entry] {
    let path = "/proc/net/" + (isUDP ? "udp" : "tcp") + (isIPv6 ? "6" : "")
    do throws(Errno) {
      let file = try OpenFile(ofKernel: ByteString(path))
      return SocketTable(try file.contents(limit: limit, piece: 1 << 16)).entries
    } catch {
      return []
    }
  }
}
