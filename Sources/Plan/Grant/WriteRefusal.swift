import Capabilities
import Text

/// What keeps capabilities from being written to a program's file, or from counting there.
enum WriteRefusal: Equatable {
  case notTheProxy
  case script
  case writableByOthers
  case noSetfcap
  case readOnly
  case noAttributes
  case noSetID
  case refused(RefusedWrite)

  /// Finds what keeps them from a file; nil where they can be written.
  ///
  /// Everybody who can execute the file would have them, so only the proxy's is written.
  init?(to file: ProgramFile, on basis: Basis) {
    if basis.request.role != .dockerStart || basis.host.secureExecution {
      self = .notTheProxy
    } else if file.isScript {
      self = .script
    } else if file.writableComponent != nil {
      self = .writableByOthers
    } else if !basis.has(.setfcap) {
      self = .noSetfcap
    } else if file.mount.contains(.readOnly) {
      self = .readOnly
    } else if !file.supportsAttributes {
      self = .noAttributes
    } else if file.mount.contains(.noSetID) {
      self = .noSetID
    } else if let refused = basis.host.refusedWrite {
      self = .refused(refused)
    } else {
      return nil
    }
  }

  /// The reason in words, after "cannot be given file capabilities".
  func reason(for file: ProgramFile) -> String {
    switch self {
    case .notTheProxy:
      "entrypoint writes them only to the proxy of \"kong docker-start\", started as root: on any other"
        + " program everybody could use them"
    case .script: "it is a script, and the kernel ignores file capabilities on scripts"
    case .writableByOthers:
      "users other than root can write \(file.writableComponent ?? file.path), so they could put another"
        + " program in its place"
    case .noSetfcap: "this process lacks cap_setfcap"
    case .readOnly: "its file system is mounted read-only"
    case .noAttributes: "its file system has no extended attributes"
    case .noSetID: "its mount is nosuid, so the kernel ignores them"
    case .refused(let write): write.why
    }
  }
}
