import Plan
import Text

/// How often the kernel has killed a process of this control group because its memory was used up.
enum OutOfMemoryKills {
  /// The number so far; nil where the kernel does not say.
  ///
  /// - Parameter root: what comes before /proc and /sys, for tests.
  static func count(root: ByteString = "") -> Int? {
    for file in ["/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"] {
      if let text = contents(root + ByteString(file)), let count = count(in: text) { return count }
    }
    return nil
  }

  /// The value of the line "oom_kill NUMBER" (cgroup v2's memory.events, v1's memory.oom_control).
  static func count(in text: [UInt8]) -> Int? {
    let name = Array("oom_kill ".utf8)
    for line in text.split(separator: UInt8(ascii: "\n")) where line.starts(with: name) {
      return ByteString.text(of: line.dropFirst(name.count)).flatMap { Int($0) }
    }
    return nil
  }

  private static func contents(_ path: ByteString) -> [UInt8]? {
    do throws(Errno) { return try OpenFile(ofKernel: path).contents(limit: 4096) } catch {
      return nil
    }
  }
}
