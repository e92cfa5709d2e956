import Plan
import Text

extension CPULimit {
  /// Reads how many processors this process can use.
  ///
  /// What the kernel does not tell counts as no limit.
  static func read() -> CPULimit {
    let allowed = Processors.allowed
    let online = ControlGroup.contents("/sys/devices/system/cpu/online", limit: 1 << 16)
      .flatMap(CPULimit.count(ofList:))
    var limit = CPULimit(online: online ?? allowed ?? 1, allowed: allowed ?? online ?? 1)
    // A quota cannot lower one processor.
    if limit.allowed > 1 { limit.quota = quota() }
    return limit
  }

  /// The smallest quota among the control groups of this process.
  ///
  /// - Parameter root: a prefix for /proc and /sys, for tests.
  static func quota(root: ByteString = "") -> CPUQuota? {
    ControlGroup.limits(.cpu, root: root) { quota(of: $0, version: $1) }
      .min { $0.isBelow($1) }
  }

  private static func quota(of directory: ByteString, version: Int) -> CPUQuota? {
    if version == 2 {
      return ControlGroup.contents(directory + "/cpu.max").flatMap(CPUQuota.init(max:))
    }
    guard let quota = ControlGroup.contents(directory + "/cpu.cfs_quota_us"),
      // "-1" means no quota; then the period does not matter.
      quota.first != UInt8(ascii: "-"),
      let period = ControlGroup.contents(directory + "/cpu.cfs_period_us")
    else { return nil }
    return CPUQuota(quota: quota, period: period)
  }
}
