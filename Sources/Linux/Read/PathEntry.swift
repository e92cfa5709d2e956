import Plan
import Text

extension PathEntry {
  /// As many links as the kernel follows (MAXSYMLINKS).
  private static let longestChain = 40

  /// All that path resolution passes on the way along a path, "/" first and the file last.
  ///
  /// A directory is followed by what was looked up in it, a link by the directory that its target
  /// starts from: so each link's own place is among them, too.
  ///
  /// - Throws: ``SystemCallFailure`` where the path leads nowhere, or in a circle.
  static func resolve(_ path: ByteString) throws(SystemCallFailure) -> [PathEntry] {
    var entries = [try PathEntry(of: "/")]
    // The directories from the root down to where the way is now.
    var place = entries
    var rest = names(of: try absolute(path))[...]
    var links = 0
    while let name = rest.popFirst() {
      if name == ".." {
        if place.count > 1 { place.removeLast() }
        entries.append(place[place.count - 1])
        continue
      }
      let directory = place[place.count - 1].path
      let entry = try PathEntry(of: directory == "/" ? directory + name : directory + "/" + name)
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

  /// Whether nobody but root can have written what a path leads to, or have led the path there.
  static func isRootOnly(_ path: ByteString) -> Bool {
    do throws(SystemCallFailure) {
      return try resolve(path).firstWritableByOthers() == nil
    } catch {
      return false
    }
  }

  /// A file, or a link itself; whether its mount is read-only, where anybody could write it otherwise.
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

  /// Finds out whether the mount is read-only; where it does not answer, it counts as writable.
  mutating func readMount() {
    do throws(Errno) { isReadOnly = try MountFlags(of: path).isReadOnly } catch {
      return
    }
  }

  /// What a path leads to, with its mount and where that comes from; nil where it leads nowhere.
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

  /// Finds out whether a start gives it with the prefix that it is in.
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

  /// Finds out where it comes from, which only a message needs.
  mutating func readPlace() {
    do throws(SystemCallFailure) {
      place = FilePlace(
        of: path, mounts: try contentsIfPresent(ofKernel: "/proc/self/mountinfo") ?? [])
    } catch {
      // Then each way out is said.
      place = .unknown
    }
  }

  private static let slash = UInt8(ascii: "/")

  private static func names(of path: ByteString) -> [ByteString] {
    path.bytes.split(separator: slash).map { ByteString(Array($0)) }.filter { $0 != "." }
  }

  /// A path that is not absolute starts from the working directory.
  private static func absolute(_ path: ByteString) throws(SystemCallFailure) -> ByteString {
    if path.bytes.first == slash { return path }
    do throws(Errno) { return try workingDirectory() + "/" + path } catch {
      throw SystemCallFailure("getcwd", error)
    }
  }
}
