import Plan
import Text

/// How many processes of this control group the kernel has killed for lack of memory.
enum OutOfMemoryKills {
  /// The count so far; nil if the kernel does not give it.
  ///
  /// - Parameter root: a directory in which a test has its own /sys.
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
