import Kong
package import Nginx
package import Plan
import Text

/// How many workers nginx has, or will have, and why.
package struct WorkerCount: Equatable, Sendable {
  /// Their number.
  package var number: Int
  /// What decides about it, as a clause.
  package var reason: String
  /// The setting that can be removed; nil where none says it.
  package var setting: String?

  private static let variables = [
    "KONG_NGINX_MAIN_WORKER_PROCESSES", "KONG_NGINX_WORKER_PROCESSES",
  ]

  private init?(_ value: ByteString, of name: String, setting: String? = nil, online: Int) {
    let digits = value.bytes
    if value == "auto" {
      number = online
    } else if (1...6).contains(digits.count), digits.allSatisfy(isDigit) {
      number = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    } else {
      return nil
    }
    reason = "\(name) is \(value)"
    self.setting = setting
  }

  /// Finds it out; nil where a setting does not say it in plain text.
  ///
  /// - Parameters:
  ///   - running: what the configuration of a running Kong says; nil before a start.
  ///   - online: how many processors `auto` stands for.
  package static func of(
    _ start: CheckedStart, running: NginxSizes?, online: Int
  ) -> WorkerCount? {
    let directive = "worker_processes"
    if let running {
      // nginx's own default.
      return WorkerCount(running.workers ?? "1", of: "nginx's \(directive)", online: online)
    }
    for name in variables {
      if let value = start.request.environment.nonEmpty(name) {
        return WorkerCount(value, of: name, setting: name, online: online)
      }
    }
    if let own = start.plan.workers {
      return WorkerCount(
        ByteString(String(own.count)), of: "\(directive), set by entrypoint,", online: online)
    }
    if start.snapshot.files.unread != nil { return nil }
    for name in ["nginx_main_\(directive)", "nginx_\(directive)"] {
      if let file = start.snapshot.files.configuration, let value = file.configuration[name] {
        let name = "\(name) in \(file.path.shortened)"
        return WorkerCount(value, of: name, setting: name, online: online)
      }
    }
    return WorkerCount("auto", of: "Kong's own nginx_main_\(directive)", online: online)
  }
}

/// The check `workers`.
package enum WorkersCheck {
  /// As many are nobody's mistake.
  private static let few = 3

  /// Decides.
  ///
  /// - Parameters:
  ///   - workers: how many there are; nil if that is not known.
  ///   - limit: how many processors they can use.
  package static func verdict(_ workers: WorkerCount?, limit: CPULimit) -> Finding.Verdict {
    guard let workers else { return .skipped("the number of nginx's workers is not known") }
    let usable = limit.usable
    guard workers.number > few, workers.number > 2 * usable else { return .passed }
    let processors = usable == 1 ? "1 processor" : "\(usable) processors"
    let wayOut =
      workers.setting.map { "unset \($0), or set it to \(usable)" }
      ?? "set KONG_NGINX_WORKER_PROCESSES=\(usable), and start Kong anew"
    let raise =
      "raise the limit: docker run --cpus or --cpuset-cpus, or resources.limits.cpu of the container"
    return .warning(
      Explanation(
        what: "nginx has \(workers.number) workers for \(processors)",
        why:
          "\(workers.reason), and \(limit.text); each further worker takes memory, and waits for its turn",
        waysOut: [wayOut] + (usable < limit.online ? [raise] : [])))
  }
}
