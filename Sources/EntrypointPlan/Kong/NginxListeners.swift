/// Where a configuration makes nginx listen.
public struct NginxListeners {
  /// Each address, port and transport once, in the order of the configuration.
  ///
  /// What several servers listen on is one socket: it has the source of the first, and all their
  /// flags, as nginx sets them.
  public private(set) var listeners: [Listener] = []
  /// What could not be read or understood, so that a listener may be missing.
  public private(set) var warnings: [Explanation]

  /// What makes two directives the same socket.
  private struct Socket: Hashable {
    var address: ListenAddress
    var transport: ListenerProtocol
  }

  /// Reads a configuration; parameters as in ``NginxListenDirectives``.
  public init(
    main: ByteString, isRoot: Bool, files: NginxFiles, limits: NginxLimits = NginxLimits()
  ) {
    var configuration = NginxListenDirectives(
      main: main, isRoot: isRoot, files: files, limits: limits)
    var positions: [Socket: Int] = [:]
    for directive in configuration.directives {
      switch directive.listener() {
      case .success(let listener):
        let socket = Socket(address: listener.address, transport: listener.transport)
        if let position = positions[socket] {
          listeners[position].add(listener.flags)
        } else {
          positions[socket] = listeners.count
          listeners.append(listener)
        }
      case .failure(let fault):
        configuration.warn("\(directive.source): \"listen\" is not understood", fault.reason)
      }
    }
    warnings = configuration.warnings
  }
}

extension Listener {
  /// Adds the flags that are not there yet.
  ///
  /// nginx knows about 20; the bound keeps garbage from costing quadratic time.
  fileprivate mutating func add(_ more: [String]) {
    for flag in more where flags.count < 32 && !flags.contains(flag) { flags.append(flag) }
  }
}
