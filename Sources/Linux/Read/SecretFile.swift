package import Capabilities
package import Kong
package import Plan
package import Text

extension SecretReference {
  /// Reads the secrets, for a program that will run as `target`.
  ///
  /// The user must not gain anything: with a link in a directory of its own it could have root read
  /// /etc/shadow for it. So root first reads each file with that user's rights. A file that only root can
  /// read counts only if no other user can have written or redirected its path (see ``trustedPath()``).
  /// The same holds for what steers root itself: the prefix, which it gives away, and listeners, for which
  /// it grants capabilities.
  ///
  /// - Parameters:
  ///   - target: the user to drop to; nil to read as this process is.
  ///   - own: who this process is.
  /// - Throws: ``StartFailure`` that names the variable and the file, never what is in it.
  package static func read(
    _ files: [SecretReference], for target: TargetUser?, own: Credentials
  ) throws(StartFailure) -> [ResolvedSecret] {
    guard !files.isEmpty else { return [] }
    var found: [FileReading]
    do {
      found = try FileSystemUser.acting(as: target, own: own) { files.map { FileReading($0.path) } }
    } catch {
      throw error.failure
    }
    if own.user.effective == 0, target.map({ $0.uid != 0 }) ?? false {
      for (index, file) in files.enumerated()
      where found[index] == .failed(.permissionDenied) || file.steersRoot && found[index].isRead {
        found[index] = FileReading(try file.trustedPath())
      }
    }
    var secrets: [ResolvedSecret] = []
    for (file, reading) in zip(files, found) {
      let secret = try file.secret(fromContents: file.contents(reading))
      secrets.append(ResolvedSecret(reference: file, secret: secret))
    }
    return secrets
  }

  /// The bytes that were read, or why there are none.
  private func contents(_ reading: FileReading) throws(StartFailure) -> [UInt8] {
    switch reading {
    case .bytes(let bytes):
      if bytes.count > SecretReference.longestVariable { throw tooLong }
      return bytes
    case .failed(let reason): throw cannotBeRead(reason)
    case .notRegular(let type): throw notRegular(type)
    }
  }
}

/// The contents of a secret's file, or why they are not known.
private enum FileReading: Equatable {
  case bytes([UInt8])
  case failed(Errno)
  case notRegular(FileType)

  init(_ path: ByteString) {
    do throws(Errno) {
      let pinned = try PinnedFile(path)
      guard pinned.isRegular else {
        self = .notRegular(pinned.status.type)
        return
      }
      // One byte more than a variable can hold shows that the file is too long. Most are short, and
      // stay in memory until the exec.
      self = .bytes(
        try pinned.open().contents(
          limit: SecretReference.longestVariable + 1, piece: max(64, pinned.status.size + 1)))
    } catch {
      self = .failed(error)
    }
  }

  var isRead: Bool { if case .bytes = self { true } else { false } }
}

extension SecretReference {
  fileprivate func notRegular(_ type: FileType) -> StartFailure {
    failure(
      why: type == .directory ? "it is a directory" : "it is not a regular file",
      wayOut: "name a regular file, or a link to one")
  }

  fileprivate func cannotBeRead(_ reason: Errno) -> StartFailure {
    switch reason {
    case .noSuchFileOrDirectory, .notDirectory:
      failure(
        why: "there is no such file (\(reason))", wayOut: "mount the secret, or correct the path")
    case .permissionDenied, .notPermitted:
      failure(
        why: "uid \(ProcessIdentity.effectiveUser) cannot read it (\(reason))",
        wayOut: "let this user read the file and enter each directory above it (Kubernetes:"
          + " fsGroup, or defaultMode 0444)")
    case .tooManySymbolicLinkLevels:
      failure(why: "its links lead in a circle (\(reason))", wayOut: "correct the links")
    default:
      failure(
        why: "it cannot be read: \(reason.cause.why)",
        wayOut: reason.cause.waysOut.first ?? "mount the secret again")
    }
  }
}
