import Plan
import Text

extension PrefixState {
  /// Looks at the prefix and at /tmp with the rights for files that this process has at the moment, which
  /// must be those of the user that Kong runs as.
  ///
  /// Whether `.kong_env` names certificates is not read, but assumed where they are not there.
  ///
  /// - Returns: what is there, and the directory that cannot be written: the prefix, or where that is not
  ///   there, the nearest above it; nil where it can, and where nothing is known of it.
  static func read(_ prefix: ByteString) -> (state: PrefixState, unwritable: PathEntry?) {
    var state = PrefixState()
    state.temporaryObstacle = obstacle(to: temporary)
    let refusal = FileAccess.refusal(prefix, [.write, .execute])
    if refusal == .noSuchFileOrDirectory {
      state.isMissing = true
      return (state, unwritableDirectory(above: prefix))
    }
    state.hasEmptyParameters = isEmptyFile(prefix + "/" + parameters)
    state.readSettings(prefix + "/" + settings, in: prefix)
    for name in written {
      let path = prefix + "/" + name
      guard let reason = FileAccess.refusal(path, .write), reason != .noSuchFileOrDirectory,
        let entry = PathEntry.placed(path, in: prefix)
      else { continue }
      state.unwritable.append(entry)
    }
    state.readDirectories(in: prefix)
    guard refusal != nil else { return (state, nil) }
    let reason = FileAccess.refusal(prefix + "/" + settings, .write)
    state.hasWritableSettings = reason == nil
    return (state, PathEntry.placed(prefix))
  }

  private mutating func readSettings(_ path: ByteString, in prefix: ByteString) {
    let refusal = FileAccess.refusal(path, .read)
    if refusal == .noSuchFileOrDirectory { return }
    if refusal != nil { unreadableSettings = PathEntry.placed(path, in: prefix) }
    let certificates = prefix + "/" + Self.certificates
    lacksCertificates =
      refusal == nil && FileAccess.refusal(certificates, .exists) == .noSuchFileOrDirectory
  }

  private mutating func readDirectories(in prefix: ByteString) {
    for (name, files) in Self.directories where closedDirectory == nil {
      let path = prefix + "/" + name
      guard Self.isRefused(path, [.write, .execute]),
        files.contains(where: { FileAccess.refusal(path + "/" + $0, .exists) != nil })
      else { continue }
      closedDirectory = PathEntry.placed(path, in: prefix)
    }
    let log = prefix + "/" + Self.errorLog
    if Self.isRefused(log, .write), Self.isRegularFile(log) {
      closedLog = PathEntry.placed(log, in: prefix)
    }
  }

  /// Whether the user may not use what is there in a way.
  private static func isRefused(_ path: ByteString, _ mode: AccessMode) -> Bool {
    let refusal = FileAccess.refusal(path, mode)
    return refusal != nil && refusal != .noSuchFileOrDirectory
  }

  private static func unwritableDirectory(above prefix: ByteString) -> PathEntry? {
    var path = prefix
    while let slash = path.bytes.lastIndex(of: UInt8(ascii: "/")), path != "/" {
      path = slash == 0 ? "/" : ByteString(Array(path.bytes[..<slash]))
      guard let reason = FileAccess.refusal(path, [.write, .execute]) else { return nil }
      if reason != .noSuchFileOrDirectory { return PathEntry.placed(path) }
    }
    return nil
  }

  private static func obstacle(to directory: ByteString) -> Obstacle? {
    guard let reason = FileAccess.refusal(directory, [.write, .execute]) else { return nil }
    if reason == .noSuchFileOrDirectory { return .missing }
    let entry = PathEntry.placed(directory)
    return reason == .readOnlyFileSystem || entry?.isReadOnly == true ? .readOnly : .denied(entry)
  }

  /// Whether it is one itself, and no link: that to a stream says nothing of who will open it.
  private static func isRegularFile(_ path: ByteString) -> Bool {
    do throws(Errno) { return try FileStatus(ofLink: path).type == .regular } catch { return false }
  }

  private static func isEmptyFile(_ path: ByteString) -> Bool {
    do throws(Errno) {
      let status = try FileStatus(path)
      return status.type == .regular && status.size == 0
    } catch {
      return false
    }
  }
}
