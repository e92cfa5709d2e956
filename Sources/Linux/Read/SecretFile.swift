package import Capabilities
package import Kong
package import Plan
package import Text
import Glibc
import SystemPackage

extension SecretReference {
  /// Reads the secrets, for a program that will run as `target`.
  ///
  /// Whoever gets the secret must not gain by it: a user that can plant a link in a directory of its
  /// own could have root read /etc/shadow to it. So as root each file is opened as that user first,
  /// who can read it anyway; and what only root can open, root opens only where nobody else can have
  /// had a hand in the path (see ``trustedPath()``). The same holds for what root goes by itself: the
  /// prefix, which it gives away, and listeners, for which it grants capabilities.
  ///
  /// - Parameters:
  ///   - target: the user to drop to; nil to read as this process is.
  ///   - own: who this process is.
  /// - Throws: ``StartFailure`` that names the variable and the file, never what is in it.
  package static func read(
    _ files: [SecretReference], for target: TargetUser?, own: Credentials
  ) throws(StartFailure) -> [ResolvedSecret] {
    guard !files.isEmpty else { return [] }
    var opened: [OpenedFile]
    do {
      opened = try FileSystemUser.acting(as: target, own: own) {
        files.map { OpenedFile($0, at: $0.path) }
      }
    } catch {
      throw error.failure
    }
    if own.user.effective == 0, target.map({ $0.uid != 0 }) ?? false {
      for (index, file) in files.enumerated()
      where opened[index].refusal == .failed(.permissionDenied)
        || file.steersRoot && opened[index].isOpen
      {
        opened[index].close()
        opened[index] = OpenedFile(file, at: try file.trustedPath())
      }
    }
    defer { for file in opened { file.close() } }
    var settings: [ResolvedSecret] = []
    for file in opened {
      let secret = try file.file.secret(fromContents: file.contents())
      settings.append(ResolvedSecret(reference: file.file, secret: secret))
    }
    return settings
  }
}

/// A secret's file that was opened, or why not.
private struct OpenedFile {
  let file: SecretReference
  private var descriptor: FileDescriptor?
  /// Why it was not opened.
  private(set) var refusal: Refusal?

  enum Refusal: Equatable {
    case failed(Errno)
    case notRegular(FileType)
  }

  var isOpen: Bool { descriptor != nil }

  /// Opens the file.
  init(_ file: SecretReference, at path: ByteString) {
    self.file = file
    do throws(Errno) {
      let pinned = try PinnedFile(path)
      guard pinned.isRegular else {
        refusal = .notRegular(pinned.status.type)
        return
      }
      descriptor = try pinned.open().take()
    } catch {
      refusal = .failed(error)
    }
  }

  func close() {
    try? descriptor?.close()
  }

  /// All bytes of a regular file that is not too long.
  func contents() throws(StartFailure) -> [UInt8] {
    guard let descriptor else {
      switch refusal {
      case .notRegular(let type): throw file.notRegular(type)
      case .failed(let reason): throw file.cannotBeRead(reason)
      case nil: throw file.cannotBeRead(.ioError)
      }
    }
    let bytes: [UInt8]
    do throws(Errno) {
      // One byte more than a variable can have tells a file that is too long.
      bytes = try descriptor.contents(limit: SecretReference.longestVariable + 1)
    } catch {
      throw file.cannotBeRead(error)
    }
    if bytes.count > SecretReference.longestVariable { throw file.tooLong }
    return bytes
  }
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
        why: "uid \(geteuid()) may not read it (\(reason))",
        wayOut: "let this user read the file and enter each directory above it (Kubernetes:"
          + " fsGroup, or defaultMode 0444)")
    case .tooManySymbolicLinkLevels:
      failure(why: "its links lead in a circle (\(reason))", wayOut: "correct the links")
    default:
      failure(
        why: "it cannot be read: \(reason.cause.why)",
        wayOut: reason.cause.waysOut.first ?? "mount the secret anew")
    }
  }
}
