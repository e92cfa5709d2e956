/// What reading a configuration file came to.
package enum FileContent: Sendable {
  /// All its bytes.
  case bytes([UInt8])
  /// There is no such file.
  case absent
  /// It has more bytes than were asked for.
  case tooLarge
  /// It cannot be read, for the reason given as a phrase, such as "Permission denied".
  case unreadable(String)
}
