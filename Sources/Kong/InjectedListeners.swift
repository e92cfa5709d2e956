package import Nginx
package import Text

/// Where nginx listens because of directives that settings inject, includes followed.
package struct InjectedListeners: Equatable, Sendable {
  /// The result of one setting's directives.
  struct Part: Equatable, Sendable {
    /// The block that Kong injects them into, if it writes that block.
    var block: NginxBlock
    var listeners: [Listener] = []
    /// What could not be read or understood, so that a listener may be missing.
    var warnings: [Explanation] = []
  }

  /// Those with something to say, in the order of the settings.
  private(set) var parts: [Part] = []

  init(parts: [Part]) {
    self.parts = parts
  }

  /// Reads what the directives include.
  ///
  /// - Parameters:
  ///   - prefix: Kong's working directory, which paths in `include` are relative to.
  ///   - isRoot: whether nginx will run as root: it matters to a server without `listen`.
  package init(
    _ directives: [InjectedDirective], prefix: ByteString, isRoot: Bool, files: NginxFiles,
    limits: NginxLimits = NginxLimits()
  ) {
    guard !directives.isEmpty else { return }
    var configuration = NginxIncludeWalk(
      injectedInto: prefix, isRoot: isRoot, files: files, limits: limits)
    for directive in directives {
      let first = (listen: configuration.directives.count, warning: configuration.warnings.count)
      configuration.read(directive)
      var part = Part(block: directive.block)
      for listen in configuration.directives[first.listen...] {
        do throws(NginxListen.Fault) {
          var listener = try listen.listener()
          listener.isOnlyInFile = directive.isOnlyInFile || listen.line > 0
          part.listeners.append(listener)
        } catch {
          configuration.warn { _ in
            ("\(listen.source): \"listen\" is not understood", error.reason)
          }
        }
      }
      part.warnings = [Explanation](configuration.warnings.dropFirst(first.warning))
      if !part.listeners.isEmpty || !part.warnings.isEmpty { parts.append(part) }
    }
  }

  /// The same, but a listener counts as named by a variable only if `known` has it too.
  ///
  /// The process that reads files of others may claim of any listener that a variable names it.
  package func believed(asFarAs known: InjectedListeners) -> InjectedListeners {
    let own = known.parts.flatMap { $0.listeners }
    var parts = parts
    for part in parts.indices {
      for index in parts[part].listeners.indices
      where !own.contains(parts[part].listeners[index]) {
        parts[part].listeners[index].isOnlyInFile = true
      }
    }
    return InjectedListeners(parts: parts)
  }
}

extension NginxIncludeWalk {
  /// Reads a directive that a setting injects, as Kong writes it.
  ///
  /// Its value may have a semicolon in it, and further directives behind it.
  fileprivate mutating func read(_ injected: InjectedDirective) {
    if isFull { return }
    if ListenParser.isReference(luaTrimmed(injected.value.bytes[...])) {
      return warn { _ in
        (injected.source, "its value is a reference to a vault, which Kong resolves itself")
      }
    }
    let statements = Array((injected.name + " ").utf8) + injected.value.bytes + Array(";\n".utf8)
    read(statements, in: injected.block.context, source: injected.source)
  }
}

extension NginxBlock {
  /// What nginx makes of the block.
  fileprivate var context: NginxIncludeWalk.Context {
    switch self {
    case .main: .main
    case .http: .servers(.http)
    case .stream: .servers(.stream)
    case .proxy, .admin, .status: .server(.http)
    case .sproxy: .server(.stream)
    case .events, .upstream, .location, .supstream: .other
    }
  }
}
