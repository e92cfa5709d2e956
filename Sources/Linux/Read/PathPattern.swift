import Nginx
import Text

/// Expands a pattern of glob(7) to the files that match.
///
/// glob(3) itself looks up users for "~", and a static program has no libraries for that.
struct PathPattern {
  /// How many files a pattern may match; a hostile directory has any number.
  static let limit = 1000
  /// How many more names may be looked at, in patterns and directories, for all patterns together.
  private var budget = 20_000

  /// The matching paths, ordered by their bytes; nil if finding them would take too long, or the pattern is
  /// abandoned (`NamePattern`).
  ///
  /// - Parameter pattern: an absolute path.
  mutating func expand(_ pattern: ByteString) -> [ByteString]? {
    let slash = UInt8(ascii: "/")
    var found: [ByteString] = [""]
    let names = pattern.bytes.split(separator: slash).map { ByteString(Array($0)) }
    guard !names.contains(where: PathPattern.isSlow) else { return nil }
    for (index, name) in names.enumerated() {
      var next: [ByteString] = []
      let pattern = name.isPattern ? NamePattern(name) : nil
      guard !name.isPattern || pattern != nil else { return nil }
      for directory in found {
        budget -= 1
        if let pattern {
          next += entries(of: directory + "/", matching: pattern).map { directory + "/" + $0 }
        } else {
          next.append(directory + "/" + PathPattern.unescaped(name))
        }
        if budget < 0 { return nil }
        if next.count > PathPattern.limit { break }
      }
      found = Array(next.prefix(PathPattern.limit))
      if index == names.count - 1, !name.isPattern {
        found = found.filter(PathPattern.isThere)
      }
    }
    return found.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
  }

  /// Whether fnmatch(3), which nginx uses, could be slow for a pattern: it tries every division of a name
  /// between the "*", and reads a "[" in each of them.
  private static func isSlow(_ name: ByteString) -> Bool {
    guard name.isPattern else { return false }
    let stars = name.bytes.count { $0 == UInt8(ascii: "*") }
    let starLimit = name.bytes.contains(UInt8(ascii: "[")) ? 1 : 2
    return stars > starLimit || name.bytes.count > PathLimit.name
  }

  /// The name without the backslashes that escape special characters (glob(7)).
  private static func unescaped(_ name: ByteString) -> ByteString {
    var bytes: [UInt8] = []
    var isEscaped = false
    for byte in name.bytes {
      isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
      if !isEscaped { bytes.append(byte) }
    }
    return ByteString(bytes)
  }

  /// A leading dot is matched by a dot only, as with glob(3).
  private mutating func entries(
    of directory: ByteString, matching pattern: NamePattern
  ) -> [ByteString] {
    budget -= 1
    // A link to a directory is followed.
    let opened: Directory
    do throws(Errno) { opened = try Directory.open(directory + ".") } catch { return [] }
    var found = ([".", ".."] as [ByteString]).filter { pattern.matches($0) }
    do throws(Errno) {
      try opened.forEachEntryWhile { entry in
        budget -= 1
        let name = entry.name
        if pattern.matches(name) { found.append(name) }
        return found.count <= PathPattern.limit && budget >= 0
      }
    } catch {
      // What was listed so far counts, as with glob(3).
    }
    return found
  }

  private static func isThere(_ path: ByteString) -> Bool {
    (try? FileStatus(ofLink: path)) != nil
  }
}
