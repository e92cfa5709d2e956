package import Capabilities
package import Nginx

/// A capability that the command needs, and why.
package struct Need: Equatable, Sendable {
  /// The capability.
  package var capability: Capability
  /// The listeners that need it.
  package var listeners: [Listener] = []
  /// The options and variables that ask for it by name.
  package var requests: [Origin] = []
  /// The variable that forbids it; nil where it may be granted.
  package var forbiddenBy: Origin?

  /// Each listener and request, in words.
  package var reasons: [String] {
    listeners.map { $0.description } + requests.map { $0.description }
  }

  /// The reasons in a few words: the first three, and how many more.
  package var summary: String {
    // Not of `reasons`: there can be 20,000 listeners.
    let shown = Array(
      (listeners.prefix(3).map { $0.description } + requests.map { $0.description }).prefix(3))
    let more = listeners.count + requests.count - shown.count
    let text = shown.joined(separator: ", ")
    return more > 0 ? "\(text) and \(more) more" : text
  }

  /// The listeners in a few words: the first three, and how many more.
  var listenerSummary: String {
    Need(capability: capability, listeners: listeners).summary
  }

  /// The word between the reasons and the capability.
  var verb: String {
    let isOne = listeners.count + requests.count == 1
    return listeners.isEmpty ? (isOne ? "asks for" : "ask for") : (isOne ? "needs" : "need")
  }
}
