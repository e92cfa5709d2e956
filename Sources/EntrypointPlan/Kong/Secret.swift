/// A value that is never shown: not in a message, not in a dump, not by reflection.
public struct Secret: Hashable, Sendable {
  /// The value itself, for the environment of the program that it is for, and nothing else.
  public let revealedBytes: [UInt8]

  /// How many bytes it has.
  public var count: Int { revealedBytes.count }

  /// Hides a value.
  public init(_ bytes: [UInt8]) {
    revealedBytes = bytes
  }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// Its length only.
  public var description: String { "<secret, \(revealedBytes.count) bytes>" }

  /// Its length only.
  public var debugDescription: String { description }

  /// Nothing to look into.
  public var customMirror: Mirror { Mirror(self, children: []) }
}
