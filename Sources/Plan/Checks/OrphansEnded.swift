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
      what: "what \(child) has left running was killed: \(ended.listed { $0.description })",
      why: "it would have kept what nginx alone is to have: a capability, perhaps, and its ports",
      waysOut: [
        "start it in a hook: a program in /docker-entrypoint.d may leave others running, which have no"
          + " capability"
      ])
  }
}
