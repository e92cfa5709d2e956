import Services
import Text

/// Waits until services answer.
///
/// Runs in a child without privileges, which a stop signal ends at any moment.
struct ServiceWaiting {
  private let wait: ServiceWait
  private let log: Log

  init(_ wait: ServiceWait, log: Log) {
    self.wait = wait
    self.log = log
  }

  /// Waits for one service after another.
  ///
  /// - Throws: ``StartFailure`` when the time is over.
  func run() throws(StartFailure) {
    let start = MonotonicTime.now
    for service in wait.services { try run(service, since: start) }
  }

  private func run(_ service: Service, since start: MonotonicTime) throws(StartFailure) {
    let deadline = start + wait.timeout.milliseconds
    var last: ServiceObstacle?
    var spoken = MonotonicTime.now
    while true {
      do throws(ServiceObstacle) {
        try ServiceProbe(deadline: deadline).ask(service)
        let seconds = elapsed(start).milliseconds / 1000
        if last != nil { log.info("\(service.description) answers after \(seconds)s") }
        return
      } catch {
        // The end of the time may have cut this attempt short, and the one before knew more.
        let obstacle = deadline.remaining == 0 ? last ?? error : error
        guard deadline.remaining > 0 else { throw wait.failure(service, obstacle) }
        if last == nil || spoken.hasPassed(ServiceWait.progressInterval) {
          log.info(wait.progress(service, obstacle, after: last == nil ? .zero : elapsed(start)))
          spoken = .now
        }
        last = obstacle
      }
      MonotonicTime.pause(milliseconds: min(wait.interval.milliseconds, deadline.remaining))
    }
  }

  private func elapsed(_ start: MonotonicTime) -> TimeSpan {
    TimeSpan(milliseconds: MonotonicTime.now.milliseconds - start.milliseconds)
  }
}

extension MonotonicTime {
  /// Whether that much time is over since then.
  fileprivate func hasPassed(_ time: TimeSpan) -> Bool {
    (self + time.milliseconds).remaining == 0
  }
}
