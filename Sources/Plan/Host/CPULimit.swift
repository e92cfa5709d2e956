import Text

/// How many processors the programs of a start can use.
package struct CPULimit: Equatable, Sendable {
  /// The processors that are online, a container's or not: as many workers has an nginx whose
  /// `worker_processes` is `auto` (sysconf(3), _SC_NPROCESSORS_ONLN; glibc reads
  /// /sys/devices/system/cpu/online).
  package var online: Int
  /// Those that this process may run on, such as `docker run --cpuset-cpus` leaves
  /// (sched_getaffinity(2)).
  package var allowed: Int
  /// The time that it may have on them; nil without a limit.
  package var quota: CPUQuota?

  /// Creates a limit.
  package init(online: Int, allowed: Int, quota: CPUQuota? = nil) {
    self.online = online
    self.allowed = allowed
    self.quota = quota
  }

  /// How many processors a list of the kernel's has, such as "0-3,5\n" (cpuset(7), "List format"); nil for
  /// anything else.
  package static func count(ofList bytes: [UInt8]) -> Int? {
    var count = 0
    for range in bytes.prefix(while: { $0 != UInt8(ascii: "\n") })
      .split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    {
      let ends = range.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
      guard ends.count <= 2, let first = CPUQuota.number(ends[0]),
        let last = CPUQuota.number(ends[ends.count - 1]), first <= last
      else { return nil }
      count += last - first + 1
    }
    return count
  }

  /// How many processes can do something at the same time, at least 1.
  ///
  /// Half a processor still is one process's. nginx's own image rounds up, as do Java and Go.
  package var usable: Int {
    max(1, min(allowed, quota?.processors ?? allowed))
  }

  /// What may be used, as a clause.
  package var text: String {
    var limits: [String] = []
    if let quota, quota.processors <= allowed { limits.append("the time of \(quota.text)") }
    if allowed < online { limits.append("\(allowed)") }
    let processors = online == 1 ? "1 processor" : "\(online) processors"
    return limits.isEmpty
      ? "this machine has \(processors)"
      : "this container may use \(limits.joined(separator: ", and ")) of the \(processors)"
  }
}

/// How much time a control group may use, on all processors together.
///
/// `docker run --cpus` and a limit of Kubernetes set it (`cpu.max` of cgroup v2; `cpu.cfs_quota_us` and
/// `cpu.cfs_period_us` of v1).
package struct CPUQuota: Equatable, Sendable {
  /// The time in each period, in microseconds, more than 0.
  package var time: Int
  /// The period, in microseconds, more than 0.
  package var period: Int

  /// Creates a quota; nil for numbers that the kernel does not have.
  package init?(time: Int, period: Int) {
    guard time > 0, period > 0 else { return nil }
    self.time = time
    self.period = period
  }

  /// Reads the contents of a `cpu.max`, such as "50000 100000"; nil without a limit ("max 100000"), and
  /// for anything else.
  package init?(max bytes: [UInt8]) {
    let words = bytes.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
    guard words.count == 2, let time = CPUQuota.number(words[0]),
      let period = CPUQuota.number(words[1])
    else { return nil }
    self.init(time: time, period: period)
  }

  /// Reads the contents of the two files of cgroup v1; nil without a limit ("-1"), and for anything else.
  package init?(quota: [UInt8], period: [UInt8]) {
    let line = { (bytes: [UInt8]) in bytes.prefix { $0 != UInt8(ascii: "\n") } }
    guard let time = CPUQuota.number(line(quota)), let period = CPUQuota.number(line(period))
    else { return nil }
    self.init(time: time, period: period)
  }

  /// A decimal number of at most 15 digits.
  fileprivate static func number(_ text: ArraySlice<UInt8>) -> Int? {
    guard !text.isEmpty, text.count <= 15, text.allSatisfy(isDigit) else { return nil }
    return text.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
  }

  /// How many processors that keeps busy, rounded up.
  var processors: Int { (time + period - 1) / period }

  /// Whether it is less than another.
  package func isBelow(_ other: CPUQuota) -> Bool {
    // At most 15 digits each: the products have 30, which need more than one word.
    let (mine, others) = (
      time.multipliedFullWidth(by: other.period), other.time.multipliedFullWidth(by: period)
    )
    return (mine.high, mine.low) < (others.high, others.low)
  }

  /// As `docker run --cpus` has it, in hundredths, rounded up: "0.5", "2".
  package var text: String {
    let (whole, rest) = time.quotientAndRemainder(dividingBy: period)
    let hundredths = (rest * 100 + period - 1) / period
    guard hundredths > 0, hundredths < 100 else { return String(whole + hundredths / 100) }
    let digits = hundredths % 10 == 0 ? String(hundredths / 10) : String(hundredths)
    return "\(whole)." + (hundredths < 10 ? "0" : "") + digits
  }
}
