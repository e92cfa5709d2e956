package import Text

extension Explanation {
  /// What to say of the processes that a child has left running, and that were killed.
  ///
  /// - Parameters:
  ///   - child: its command line.
  ///   - ended: what they called themselves.
  package static func orphansEnded(
    of child: String, _ ended: FirstOfMany<ByteString>
  ) -> Explanation {
    Explanation(
      what: "processes that \(child) left running were killed: \(ended.listed { $0.description })",
      why: "they would have kept what only nginx should have: its ports, and perhaps a capability",
      waysOut: [
        "start them from a hook: a program in /docker-entrypoint.d may leave others running, without"
          + " capabilities"
      ])
  }
}
