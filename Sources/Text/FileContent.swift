/// The result of reading a file.
package enum FileContent: Sendable {
  /// All its bytes.
  case bytes([UInt8])
  /// The file does not exist.
  case absent
  /// It has more bytes than were asked for.
  case tooLarge
  /// It cannot be read, for the reason given as a phrase, such as "Permission denied".
  case unreadable(String)
}
