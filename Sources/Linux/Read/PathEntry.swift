import Plan
import Text

extension PathEntry {
  /// As many links as the kernel follows (MAXSYMLINKS).
  private static let longestChain = 40

  /// All entries that a path resolves through, from "/" to the file (path_resolution(7)).
  ///
  /// A directory is followed by the entry looked up in it; a link, by the directory that its target starts
  /// from. So the places of the links are among the entries, too.
  ///
  /// - Throws: ``SystemCallFailure`` if the path leads nowhere, or in a circle.
  static func resolve(_ path: ByteString) throws(SystemCallFailure) -> [PathEntry] {
    var rest = names(of: try absolute(path))[...]
    var entries: [PathEntry] = []
    entries.reserveCapacity(1 + rest.count)
    entries.append(try PathEntry(of: "/"))
    // The directories from the root to the current one.
    var place = entries
    var links = 0
    while let name = rest.popFirst() {
      if name.equals("..") {
        if place.count > 1 { place.removeLast() }
        entries.append(place[place.count - 1])
        continue
      }
      let entry = try PathEntry(of: place[place.count - 1].path(of: name))
      entries.append(entry)
      guard entry.kind == .link else {
        place.append(entry)
        continue
      }
      links += 1
      guard links <= longestChain, let target = readLink(entry.path) else {
        throw SystemCallFailure("readlink(\(entry.path))", .tooManySymbolicLinkLevels)
      }
      if target.bytes.first == slash { place.removeLast(place.count - 1) }
      entries.append(place[place.count - 1])
      rest = (names(of: target) + rest)[...]
    }
    return entries
  }

  /// The path of what this directory has under a name.
  private func path(of name: ByteString) -> ByteString {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(path.bytes.count + 1 + name.bytes.count)
    bytes += path.bytes
    if bytes.last != PathEntry.slash { bytes.append(PathEntry.slash) }
    bytes += name.bytes
    return ByteString(bytes)
  }

  /// Whether only root can have written what a path leads to, and have led the path there.
  static func isRootOnly(_ path: ByteString) -> Bool {
    do throws(SystemCallFailure) {
      return try resolve(path).firstWritableByOthers() == nil
    } catch {
      return false
    }
  }

  /// Looks at a file, or at a link itself.
  ///
  /// The mount matters, and is read, only if others may write.
  private init(of path: ByteString) throws(SystemCallFailure) {
    let status: FileStatus
    do throws(Errno) { status = try FileStatus(ofLink: path) } catch {
      throw SystemCallFailure("lstat(\(path))", error)
    }
    let kind: Kind =
      switch status.type {
      case .directory: .directory
      case .symbolicLink: .link
      default: .other
      }
    self.init(
      path: path, kind: kind, uid: status.uid, gid: status.gid,
      mode: status.permissions)
    if isWritableByOthers { readMount() }
  }

  /// Reads whether the mount is read-only; an unknown mount counts as writable.
  mutating func readMount() {
    isReadOnly = (try? MountFlags(of: path))?.isReadOnly ?? isReadOnly
  }

  /// What a path leads to, with its mount and the origin of that mount; nil if it leads nowhere.
  static func placed(_ path: ByteString) -> PathEntry? {
    do throws(SystemCallFailure) {
      var entry = try resolve(path).last
      entry?.readMount()
      entry?.readPlace()
      return entry
    } catch {
      return nil
    }
  }

  /// What a path in the prefix leads to, with what decides whether the start gives it to the user.
  static func placed(_ path: ByteString, in prefix: ByteString) -> PathEntry? {
    do throws(SystemCallFailure) {
      guard var entry = placed(path) else { return nil }
      let below = try resolve(path).drop { $0.path != prefix }
      entry.entriesInPrefix = below.map {
        PrefixEntry(uid: $0.uid, isMountPoint: isMountPoint($0.path))
      }
      return entry
    } catch {
      return nil
    }
  }

  /// Reads the origin of its mount, which only a message needs.
  mutating func readPlace() {
    do throws(SystemCallFailure) {
      place = FilePlace(
        of: path, mounts: try contentsIfPresent(ofKernel: "/proc/self/mountinfo") ?? [])
    } catch {
      // Then the message names every way out.
      place = .unknown
    }
  }

  private static let slash = UInt8(ascii: "/")

  private static func names(of path: ByteString) -> [ByteString] {
    var names: [ByteString] = []
    names.reserveCapacity(8)
    var start = 0
    while start < path.bytes.count {
      let end = path.bytes.position(of: slash, from: start)
      let name = path.bytes[start..<end]
      if !name.isEmpty, !name.equals(".") { names.append(ByteString(Array(name))) }
      start = end + 1
    }
    return names
  }

  /// A path that is not absolute starts from the working directory.
  private static func absolute(_ path: ByteString) throws(SystemCallFailure) -> ByteString {
    if path.bytes.first == slash { return path }
    do throws(Errno) { return try workingDirectory() + "/" + path } catch {
      throw SystemCallFailure("getcwd", error)
    }
  }
}
