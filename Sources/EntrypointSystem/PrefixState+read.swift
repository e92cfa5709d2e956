import EntrypointPlan
import Glibc
import SystemPackage

extension PrefixState {
  /// Looks at the prefix and at /tmp with the rights for files that this process has at the moment, which
  /// must be those of the user that Kong runs as.
  static func read(_ prefix: ByteString) -> PrefixState {
    var state = PrefixState()
    state.temporaryObstacle = obstacle(to: temporary)
    state.isMissing = FileAccess.refusal(prefix, F_OK) == .noSuchFileOrDirectory
    if state.isMissing { return state }
    let settings = prefix + "/" + Self.settings
    let hasSettings = FileAccess.refusal(settings, F_OK) == nil
    state.hasEmptyParameters = isEmptyFile(prefix + "/" + parameters)
    if hasSettings {
      if FileAccess.refusal(settings, R_OK) != nil { state.unreadableSettings = entry(settings) }
      state.hasWritableSettings = FileAccess.refusal(settings, W_OK) == nil
      let certificates = FileAccess.refusal(prefix + "/" + Self.certificates, F_OK)
      if certificates == .noSuchFileOrDirectory,
        case .bytes(let bytes) = BoundedFile.read(settings, limit: KongFiles.limit)
      {
        state.lacksCertificates = namesCertificates(bytes, in: prefix)
      }
    }
    for name in written {
      let path = prefix + "/" + name
      guard let reason = FileAccess.refusal(path, W_OK), reason != .noSuchFileOrDirectory,
        let entry = entry(path)
      else { continue }
      state.unwritable.append(entry)
    }
    return state
  }

  /// The prefix where it cannot be written, or the nearest directory above where it is not there; nil
  /// where that can be written, and where nothing is known of it.
  static func unwritableDirectory(on prefix: ByteString) -> PathEntry? {
    var path = prefix
    while let reason = FileAccess.refusal(path, W_OK | X_OK) {
      if reason != .noSuchFileOrDirectory {
        var directory = entry(path)
        directory?.readMount()
        return directory
      }
      guard let slash = path.bytes.lastIndex(of: UInt8(ascii: "/")), path != "/" else { return nil }
      path = slash == 0 ? "/" : ByteString(Array(path.bytes[..<slash]))
    }
    return nil
  }

  private static func obstacle(to directory: ByteString) -> Obstacle? {
    guard let reason = FileAccess.refusal(directory, W_OK | X_OK) else { return nil }
    if reason == .noSuchFileOrDirectory { return .missing }
    var entry = entry(directory)
    entry?.readMount()
    return reason == .readOnlyFileSystem || entry?.isReadOnly == true ? .readOnly : .denied(entry)
  }

  private static func entry(_ path: ByteString) -> PathEntry? {
    (try? PathEntry.way(along: path))?.last
  }

  private static func isEmptyFile(_ path: ByteString) -> Bool {
    var status = stat()
    return path.withCString { stat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFREG
      && status.st_size == 0
  }
}
