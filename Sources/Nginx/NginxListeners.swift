package import Text

/// Where a configuration makes nginx listen.
package struct NginxListeners {
  /// Each address, port and transport once, in the order of the configuration.
  ///
  /// What several servers listen on is one socket: it has the source of the first, and all their
  /// flags, as nginx sets them.
  package private(set) var listeners: [Listener] = []
  /// What could not be read or understood, so that a listener may be missing.
  package private(set) var warnings: [Explanation]

  /// Reads a configuration; parameters as in ``NginxIncludeWalk``.
  package init(
    main: ByteString, isRoot: Bool, files: NginxFiles, limits: NginxLimits = NginxLimits()
  ) {
    var configuration = NginxIncludeWalk(
      main: main, isRoot: isRoot, files: files, limits: limits)
    for directive in configuration.directives {
      do throws(NginxListen.Fault) {
        listeners.append(try directive.listener())
      } catch {
        configuration.warn { _ in
          ("\(directive.source): \"listen\" is not understood", error.reason)
        }
      }
    }
    warnings = configuration.warnings
    joinThoseOfOneSocket()
  }

  private mutating func joinThoseOfOneSocket() {
    let groups = listeners.ofOneSocket
    guard !groups.isEmpty else { return }
    var isFirst = [Bool](repeating: true, count: listeners.count)
    for group in groups {
      for index in group.dropFirst() {
        listeners[group[0]].add(listeners[index].flags)
        isFirst[index] = false
      }
    }
    listeners = listeners.indices.filter { isFirst[$0] }.map { listeners[$0] }
  }
}

extension Listener {
  /// Adds the flags that it does not have.
  ///
  /// The bound keeps garbage from costing quadratic time.
  package mutating func add(_ more: [String]) {
    for flag in more where flags.count < NginxListen.argumentLimit && !flags.contains(flag) {
      flags.append(flag)
    }
  }
}
