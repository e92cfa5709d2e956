import Kong
package import Nginx
package import Plan
import Text

/// What the workers of Kong share, and can come to use.
package struct SharedMemory: Equatable, Sendable {
  /// Its size in bytes; 0 where it is not known.
  package var bytes: Int
  /// What says so, as a noun.
  package var source: String

  /// Finds it out.
  ///
  /// - Parameter running: what the configuration of a running Kong says; nil before a start.
  package static func of(_ start: CheckedStart, running: NginxSizes?) -> SharedMemory {
    if let running {
      return SharedMemory(bytes: running.dictionaries, source: "nginx's lua_shared_dict")
    }
    let file = start.snapshot.files
    // Kong's own default.
    let value =
      start.value(of: variable) ?? file.configuration?.configuration["mem_cache_size"] ?? "128m"
    guard file.unread == nil, let size = NginxSizes.bytes(in: value) else {
      return SharedMemory(bytes: 0, source: variable)
    }
    return SharedMemory(
      bytes: caches * size, source: "\(caches) caches with mem_cache_size \(value)")
  }

  private static let variable = "KONG_MEM_CACHE_SIZE"
  /// The dictionaries of this size that every Kong since 2.0 has, of core entities and of others.
  private static let caches = 2
}

/// The check `memory`.
package enum MemoryCheck {
  /// What a worker has at least, in bytes.
  ///
  /// So much of its own has an idle worker of Kong 3.4.2 without plugins. With the bundled ones it is 57 MiB
  /// (3.9.3: 60, 2.8.5: 86), and routes and traffic add to that.
  private static let ofWorker = 48 << 20

  /// Decides.
  ///
  /// - Parameters:
  ///   - limit: that of the control group; nil without one.
  ///   - workers: how many workers there are; nil if that is not known.
  package static func verdict(
    limit: MemoryLimit?, _ workers: WorkerCount?, _ shared: SharedMemory
  ) -> Finding.Verdict {
    guard let limit else { return .skipped("this container has no memory limit") }
    let number = max(1, workers?.number ?? 1)
    let needed = number * ofWorker + shared.bytes
    guard limit.bytes < needed else { return .passed }
    var parts = [
      "\(number) \(number == 1 ? "worker" : "workers") with \(mebibytes(ofWorker)) or more each"
    ]
    if shared.bytes > 0 {
      parts.append("\(mebibytes(shared.bytes)) of shared memory (\(shared.source))")
    }
    var waysOut = [
      "raise the limit above \(mebibytes(needed)): docker run --memory, or resources.limits.memory of the container"
    ]
    if number > 1 { waysOut.append("start fewer workers: KONG_NGINX_WORKER_PROCESSES") }
    if shared.bytes > 0 { waysOut.append("lower KONG_MEM_CACHE_SIZE") }
    return .warning(
      Explanation(
        what:
          "the memory limit is \(mebibytes(limit.bytes)), but Kong may need \(mebibytes(needed))",
        why:
          "\(parts.joined(separator: " and ")) are more than the limit, and the kernel kills a process of a"
          + " container that exceeds it",
        waysOut: waysOut))
  }

  private static func mebibytes(_ bytes: Int) -> String {
    bytes < 1 << 20 ? "\(bytes >> 10) KiB" : "\(bytes >> 20) MiB"
  }
}
