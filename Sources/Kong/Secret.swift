/// A value that is never shown: not in a message, not in a dump, not by reflection.
package struct Secret: Hashable, Sendable {
  /// The value itself, for the environment of the program that it is for, and nothing else.
  package let revealedBytes: [UInt8]

  /// How many bytes it has.
  package var count: Int { revealedBytes.count }

  /// Hides a value.
  package init(_ bytes: [UInt8]) {
    revealedBytes = bytes
  }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible {
  /// Its length only.
  package var description: String { "<secret, \(revealedBytes.count) bytes>" }

  /// Its length only.
  package var debugDescription: String { description }
}

// Embedded Swift, the release, has no reflection. The ordinary Swift of the tests does.
#if !hasFeature(Embedded)
  extension Secret: CustomReflectable {
    /// Nothing to look into.
    package var customMirror: Mirror { Mirror(self, children: []) }
  }
#endif
