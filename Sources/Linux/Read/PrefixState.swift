import Plan
import Text

extension PrefixState {
  /// Looks at the prefix and at /tmp.
  ///
  /// The current rights for files must be those of Kong's user.
  ///
  /// If the certificates are missing, `.kong_env` is assumed to name them; it is not read here.
  ///
  /// - Returns: what is left in the prefix, and what the user cannot do there and in /tmp. Of a file of
  ///   which nothing is known, nothing is said.
  static func read(_ prefix: ByteString) -> (state: PrefixState, denials: [Denial]) {
    let temporary = Self.refusal(of: Self.temporary).map { Denial.usingTemporary($0) }
    let refusal = FileAccess.refusal(prefix, [.write, .execute])
    if refusal == .noSuchFileOrDirectory {
      let above = unwritableDirectory(above: prefix).map { Denial.makingPrefix(in: $0) }
      return (PrefixState(), [temporary, above].compactMap { $0 })
    }
    var state = PrefixState()
    state.hasEmptyParameters = isEmptyFile(prefix + "/" + parameters)
    let settings = FileAccess.refusal(prefix + "/" + Self.settings, .read)
    state.lacksCertificates =
      settings == nil
      && FileAccess.refusal(prefix + "/" + Self.certificates, .exists) == .noSuchFileOrDirectory
    let isUnreadable = settings != nil && settings != .noSuchFileOrDirectory
    let denials = [
      temporary, refusal == nil ? nil : unwritable(prefix), closedDirectory(in: prefix),
      closedLog(in: prefix), isUnreadable ? unreadableSettings(in: prefix) : nil,
      unwritableFiles(in: prefix),
    ]
    return (state, denials.compactMap { $0 })
  }

  private static func unwritable(_ prefix: ByteString) -> Denial? {
    let hasWritableSettings = FileAccess.refusal(prefix + "/" + settings, .write) == nil
    return PathEntry.placed(prefix).map {
      .writingPrefix($0, hasWritableSettings: hasWritableSettings)
    }
  }

  /// The first of ``directories`` that is there, that the user may not write, and in which something is
  /// missing that every Kong makes.
  private static func closedDirectory(in prefix: ByteString) -> Denial? {
    for (name, files) in directories {
      let path = prefix + "/" + name
      guard isRefused(path, [.write, .execute]),
        files.contains(where: { FileAccess.refusal(path + "/" + $0, .exists) != nil }),
        let entry = PathEntry.placed(path, in: prefix)
      else { continue }
      return .writingDirectory(entry)
    }
    return nil
  }

  private static func closedLog(in prefix: ByteString) -> Denial? {
    let log = prefix + "/" + errorLog
    guard isRefused(log, .write), isRegularFile(log) else { return nil }
    return PathEntry.placed(log, in: prefix).map { .writingErrorLog($0) }
  }

  private static func unreadableSettings(in prefix: ByteString) -> Denial? {
    PathEntry.placed(prefix + "/" + settings, in: prefix).map { .readingSettings($0) }
  }

  private static func unwritableFiles(in prefix: ByteString) -> Denial? {
    let files = written.compactMap { name in
      let path = prefix + "/" + name
      return isRefused(path, .write) ? PathEntry.placed(path, in: prefix) : nil
    }
    return files.isEmpty ? nil : .writingFiles(files)
  }

  /// Whether the file exists and the user may not use it so.
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

  private static func refusal(of directory: ByteString) -> AccessRefusal? {
    guard let reason = FileAccess.refusal(directory, [.write, .execute]) else { return nil }
    if reason == .noSuchFileOrDirectory { return .missing }
    let entry = PathEntry.placed(directory)
    if reason == .readOnlyFileSystem || entry?.isReadOnly == true { return .readOnly }
    return entry.map { .denied($0) } ?? .unreachable
  }

  /// Whether the path itself is a regular file.
  ///
  /// A link to a stream does not tell who will open it.
  private static func isRegularFile(_ path: ByteString) -> Bool {
    (try? FileStatus(ofLink: path))?.type == .regular
  }

  private static func isEmptyFile(_ path: ByteString) -> Bool {
    (try? FileStatus(path)).map { $0.type == .regular && $0.size == 0 } ?? false
  }
}
