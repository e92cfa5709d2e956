import Nginx
import Preflight
import Text

/// The kernel's table of connections, which root and its group read (/proc/net/nf_conntrack).
enum ConnectionTracking {
  /// In bytes, of which a connection takes 200: a busy node has 100,000.
  private static let limit = 16 << 20

  /// Adds to each connection that has not arrived where it went instead.
  ///
  /// The file is read once, and only if there is such a connection.
  static func addDestinations(to arrivals: inout [Arrivals]) {
    guard arrivals.contains(where: { !$0.lost.isEmpty }) else { return }
    let text: [UInt8]
    do throws(Errno) {
      let file = try OpenFile(ofKernel: "/proc/net/nf_conntrack")
      text = try file.contents(limit: limit, piece: 1 << 16)
    } catch {
      return
    }
    for index in arrivals.indices { arrivals[index].addDestinations(from: text) }
  }
}
