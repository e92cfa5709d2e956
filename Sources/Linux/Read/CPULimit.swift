import Plan
import Text

extension CPULimit {
  /// Reads how many processors this process can use.
  ///
  /// What the kernel does not tell counts as no limit.
  static func read() -> CPULimit {
    let online = Processors.online
    var limit = CPULimit(online: online, allowed: Processors.allowed ?? online)
    // A quota cannot lower one processor.
    if limit.allowed > 1 { limit.quota = quota() }
    return limit
  }

  /// The smallest quota among the control groups of this process.
  ///
  /// - Parameter root: a prefix for /proc and /sys, for tests.
  static func quota(root: ByteString = "") -> CPUQuota? {
    guard let bytes = contents(root + "/proc/self/cgroup", limit: 1 << 16),
      let group = CPUControlGroup(bytes)
    else { return nil }
    var smallest: CPUQuota?
    for directory in group.directories {
      guard let quota = quota(of: root + directory, version: group.version),
        smallest.map(quota.isBelow) ?? true
      else { continue }
      smallest = quota
    }
    return smallest
  }

  private static func quota(of directory: ByteString, version: Int) -> CPUQuota? {
    if version == 2 {
      return contents(directory + "/cpu.max", limit: 64).flatMap(CPUQuota.init(max:))
    }
    guard let quota = contents(directory + "/cpu.cfs_quota_us", limit: 64),
      // "-1" means no quota; then the period does not matter.
      quota.first != UInt8(ascii: "-"),
      let period = contents(directory + "/cpu.cfs_period_us", limit: 64)
    else { return nil }
    return CPUQuota(quota: quota, period: period)
  }

  /// The contents of a file of the kernel; nil if it cannot be read.
  private static func contents(_ path: ByteString, limit: Int) -> [UInt8]? {
    try? OpenFile(ofKernel: path).contents(limit: limit)
  }
}
