import EntrypointPlan
import SystemPackage

/// A path that nobody but root can lead elsewhere (path_resolution(7)).
///
/// Every directory on the way, and on the way of each link, is root's and writable for root only, or
/// has the sticky bit and the entry in it is root's and has no other name: then nobody else can have
/// put the entry there, nor can take it away between the look at it and its use. Write permission for
/// group 0 counts: in Kong's images the kong user has it.
struct TrustedPath {
  /// The path without links.
  private(set) var resolved: ByteString = "/"
  private let file: SecretFile

  /// As many links as the kernel follows (MAXSYMLINKS).
  private static let longestChain = 40

  /// Goes down the path of a secret's file.
  ///
  /// - Throws: ``StartFailure`` that names the entry that somebody else could have put there.
  init(_ file: SecretFile) throws(StartFailure) {
    self.file = file
    guard file.path.bytes.first == UInt8(ascii: "/") else {
      throw file.failure(
        why: "\(file.reasonForTrust), and the path is not absolute", wayOut: "write the full path")
    }
    var links = 0
    var rest = components(of: file.path)[...]
    while let name = rest.popFirst() {
      if name == ".." {
        resolved = resolved.parentDirectory ?? "/"
        continue
      }
      let entry = resolved.bytes.count == 1 ? resolved + name : resolved + "/" + name
      guard let link = try target(of: entry) else {
        resolved = entry
        continue
      }
      links += 1
      guard links <= TrustedPath.longestChain else {
        throw file.failure(why: "its links lead in a circle", wayOut: "correct the links")
      }
      if link.bytes.first == UInt8(ascii: "/") { resolved = "/" }
      rest = (components(of: link) + rest)[...]
    }
    if file.steersRoot { try requireRootsContents() }
  }

  /// Somebody who cannot put a file there may still be able to write to it.
  private func requireRootsContents() throws(StartFailure) {
    let found = try status(of: resolved)
    guard found.userID.rawValue == 0,
      found.permissions.isDisjoint(with: [.groupWrite, .otherWrite])
    else { throw planted(resolved) }
  }

  /// Where an entry of the trusted directory `resolved` leads if it is a link, nil if it is none.
  private func target(of entry: ByteString) throws(StartFailure) -> ByteString? {
    let directory = try status(of: resolved)
    let found = try status(of: entry)
    let isOthers =
      directory.userID.rawValue != 0
      || !directory.permissions.isDisjoint(with: [.groupWrite, .otherWrite])
        && !(directory.permissions.contains(.saveText) && found.userID.rawValue == 0
          && (found.type == .directory || found.linkCount == 1))
    if isOthers { throw planted(entry) }
    guard found.type == .symbolicLink else { return nil }
    guard let link = readLink(entry) else {
      throw file.failure(why: "the link \(entry) cannot be read", wayOut: "correct it")
    }
    return link
  }

  private func planted(_ entry: ByteString) -> StartFailure {
    file.failure(
      why: "\(file.reasonForTrust), and somebody else may have put \(entry) there or written it",
      wayOut: file.steersRoot
        ? "keep the file where only root can write, such as /run/secrets"
        : "let the user that Kong runs as read the file, or keep it where only root can write,"
          + " such as /run/secrets")
  }

  private func status(of path: ByteString) throws(StartFailure) -> Stat {
    do { return try Stat(path.path, followTargetSymlink: false) } catch {
      throw file.failure(
        why: "there is no \(path) (\(error))", wayOut: "mount the secret, or correct the path")
    }
  }
}

extension SecretFile {
  /// Why nobody but root may have had a hand in it.
  fileprivate var reasonForTrust: String {
    steersRoot ? "a start as root goes by it" : "only root may read it"
  }
}

private func components(of path: ByteString) -> [ByteString] {
  path.bytes.split(separator: UInt8(ascii: "/")).map { ByteString(Array($0)) }.filter { $0 != "." }
}
