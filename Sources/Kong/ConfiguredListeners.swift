package import Nginx
package import Text

/// The listeners that Kong's settings name: first those of the environment, then of kong.conf, then
/// Kong's defaults.
///
/// Settings that Kong does not use here are omitted.
package struct ConfiguredListeners {
  /// From the environment, kong.conf and injected directives.
  private(set) var chosen: [Listener] = []
  /// Kong's defaults for the settings that are not set.
  private(set) var defaults: [Listener] = []
  /// Why there may be listeners that are not known before `kong prepare`; empty where there are none.
  package private(set) var warnings: [Explanation] = []
  /// Whether Kong certainly opens all of these.
  ///
  /// With a template or an unknown role it may open fewer.
  package private(set) var areCertain = true

  /// Reads the settings.
  ///
  /// - Throws: ``StartFailure`` for a value that is no list of listeners, and for a role that Kong has
  ///   not.
  package init(environment: Environment, files: KongFiles) throws(StartFailure) {
    var settings = try ConfiguredListeners.chosen(environment, files)
    let countOfChosen = settings.count
    try settings.append(contentsOf: ConfiguredListeners.defaults(files, besides: settings))
    let role = try KongRole(environment, files)
    let use = ListenerUse(role: role, defaults: files.defaults) { name in
      settings.contains { $0.name == name && $0.isOpen }
    }

    // Arrays that grow are made several times.
    chosen.reserveCapacity(settings.prefix(countOfChosen).reduce(0) { $0 + $1.listeners.count })
    for (index, setting) in settings.enumerated() where use.opens(setting.name) {
      if index < countOfChosen {
        chosen += setting.listeners
      } else {
        defaults += setting.listeners
      }
      if let warning = setting.warning { warn(warning) }
    }
    for part in files.injected?.parts ?? [] where use.writes(part.block) {
      chosen += part.listeners
      part.warnings.forEach { warn($0) }
    }
    let doubts = [
      role.warning, files.template.map(ConfiguredListeners.isTemplate),
      files.unread.map(ConfiguredListeners.isUnread),
    ].compactMap { $0 }
    doubts.forEach { warn($0) }
    areCertain = doubts.isEmpty
    chosen = chosen.withEachSocketOnce
  }

  /// The most warnings that are kept: a hostile kong.conf can cause any number.
  private static let warningLimit = 20

  private mutating func warn(_ warning: Explanation) {
    if warnings.count < ConfiguredListeners.warningLimit { warnings.append(warning) }
  }

  /// The settings of the environment and of kong.conf, of those options that this Kong has.
  private static func chosen(
    _ environment: Environment, _ files: KongFiles
  ) throws(StartFailure) -> [Setting] {
    let version = files.defaults?.version
    var settings: [Setting] = []
    for variable in environment.variables
    where Environment.isListenSetting(variable.name) && isOption(variable.name, files.defaults) {
      settings.append(
        try Setting(variable.name, variable.value, source: variable.name, version: version))
    }
    let countOfVariables = settings.count
    for setting in files.configuration?.configuration.listenSettings ?? [] {
      let name = setting.variable
      guard isOption(name, files.defaults),
        !settings[..<countOfVariables].contains(where: { $0.name == name })
      else { continue }
      let source = "\(files.configuration?.path ?? ""):\(setting.line)"
      settings.append(
        try Setting(name, setting.value, source: source, version: version, isOnlyInFile: true))
    }
    return settings
  }

  private static func defaults(
    _ files: KongFiles, besides chosen: [Setting]
  ) throws(StartFailure) -> [Setting] {
    let version = files.defaults?.version
    var settings: [Setting] = []
    for (name, value) in ofKong3_9 where !chosen.contains(where: { $0.name == name }) {
      let option = String(name.dropFirst("KONG_".count)).lowercasedASCII
      // Kong's own list knows what its version has; without it, the version is not known.
      let own = files.defaults.map { $0.listenDefault(of: option) ?? "off" }
      settings.append(
        try Setting(
          name, own ?? value, source: "default of \(option)", version: version,
          isOnlyInFile: true))
    }
    return settings
  }

  /// The `*_listen` options of Kong 3.9 and their defaults (kong_defaults.lua).
  private static let ofKong3_9: [(String, ByteString)] = [
    ("KONG_PROXY_LISTEN", "0.0.0.0:8000, 0.0.0.0:8443 ssl"),
    ("KONG_STREAM_LISTEN", "off"),
    ("KONG_ADMIN_LISTEN", "127.0.0.1:8001, 127.0.0.1:8444 ssl"),
    ("KONG_ADMIN_GUI_LISTEN", "0.0.0.0:8002, 0.0.0.0:8445 ssl"),
    ("KONG_STATUS_LISTEN", "127.0.0.1:8007"),
    ("KONG_CLUSTER_LISTEN", "0.0.0.0:8005"),
  ]

  /// Whether this Kong has the setting.
  ///
  /// It ignores all others, whatever their value.
  private static func isOption(_ name: String, _ defaults: KongDefaults?) -> Bool {
    defaults?.hasListenOption(withVariable: name) ?? ofKong3_9.contains { $0.0 == name }
  }

  private static func isTemplate(_ path: ByteString) -> Explanation {
    Explanation(
      what:
        "the listeners of --nginx-conf \(path.shortened) are not known before kong prepare has run",
      why: "Kong uses this template, which can contain any listener, instead of its own",
      waysOut: [
        "set SET_CAP_NET_BIND_SERVICE=1 if one of them has a port that needs it",
        "leave out --nginx-conf, and inject what is missing: KONG_NGINX_HTTP_INCLUDE=FILE",
      ])
  }

  private static func isUnread(_ file: KongFiles.UnreadFile) -> Explanation {
    Explanation(
      what: "the settings in \(file.path.shortened) are not known before kong prepare has run",
      why: file.reason,
      waysOut: [
        "make it readable by the user that runs Kong", "set them in the environment: KONG_*",
      ])
  }

  // MARK: with what was generated

  /// The best knowledge of what Kong listens on; each socket once.
  ///
  /// The configuration that `kong prepare` has generated is the truth; a listener in it that a
  /// setting names keeps the setting as its source, as that is what a person changes. Where it could
  /// not all be read, or is of an older start, settings can say more.
  package func listeners(with generated: GeneratedListeners?) -> [Listener] {
    guard let generated else { return (chosen + defaults).withEachSocketOnce }
    let settings = chosen + defaults
    let (found, used) = generated.listeners.onlyInFile.withSources(of: settings)
    if generated.isCurrent, generated.warnings.isEmpty { return found }
    // The prefix may have been prepared by an older Kong with other defaults.
    let possible = generated.warnings.isEmpty ? chosen.count : settings.count
    var isUsed = [Bool](repeating: false, count: settings.count)
    for index in used { isUsed[index] = true }
    let others = (0..<possible).filter { !isUsed[$0] }.map { settings[$0] }
    return (found + others).withEachSocketOnce
  }

  /// Why there may be more listeners than ``listeners(with:)`` says.
  package func warnings(with generated: GeneratedListeners?) -> [Explanation] {
    guard let generated else { return warnings }
    return generated.isCurrent ? generated.warnings : generated.warnings + warnings
  }
}

extension ConfiguredListeners {
  /// One `*_listen` setting.
  fileprivate struct Setting {
    var name: String
    var listeners: [Listener]
    /// Why not all of its listeners are known.
    var warning: Explanation?

    init(
      _ name: String, _ value: ByteString, source: String, version: KongVersion?,
      isOnlyInFile: Bool = false
    ) throws(StartFailure) {
      self.name = name
      let grammar = ListenParser.Grammar(of: name, in: version)
      (listeners, warning) = try ListenParser.read(value, source: source, grammar: grammar)
      if isOnlyInFile { listeners = listeners.onlyInFile }
    }

    /// Whether it can have a listener.
    var isOpen: Bool { !listeners.isEmpty || warning != nil }
  }
}

extension [Listener] {
  /// The same listeners, marked as named by files that Kong's user may own.
  fileprivate var onlyInFile: [Listener] {
    map { listener in
      var listener = listener
      listener.isOnlyInFile = true
      return listener
    }
  }

  /// The listeners without those that repeat a socket.
  ///
  /// A listener of a variable wins over one of a file, and does not take over its flags: with
  /// `transparent` from a file it would be granted cap_net_raw.
  fileprivate var withEachSocketOnce: [Listener] {
    let groups = ofOneSocket
    guard !groups.isEmpty else { return self }
    var listeners = self
    var isKept = [Bool](repeating: true, count: count)
    for group in groups {
      let first = group.first { !self[$0].isOnlyInFile } ?? group[0]
      for index in group where index != first {
        if self[index].isOnlyInFile == self[first].isOnlyInFile {
          listeners[first].add(self[index].flags)
        }
        isKept[index] = false
      }
    }
    return listeners.indices.filter { isKept[$0] }.map { listeners[$0] }
  }

  /// The listeners, each replaced by the first of `settings` that means the same socket; and the
  /// indices of those settings.
  ///
  /// Sorts, because a hostile kong.conf can name 100,000. Looks only at settings whose port one of the
  /// listeners has: usually that excludes nearly all of 10,000.
  fileprivate func withSources(of settings: [Listener]) -> ([Listener], used: [Int]) {
    let ports = map { $0.port ?? 0 }.sorted()
    let sources = settings.indices
      .filter { ports.contains(sorted: settings[$0].port ?? 0) }
      .map { (socket: ListenerSocket(settings[$0]), index: $0) }
      .sorted { $0.socket == $1.socket ? $0.index < $1.index : $0.socket < $1.socket }
    let sockets = sources.map { $0.socket }
    var used: [Int] = []
    let found = map { listener in
      let socket = ListenerSocket(listener)
      let first = sockets.firstIndex(notBelow: socket)
      guard first < sockets.count, sockets[first] == socket else { return listener }
      used.append(sources[first].index)
      return settings[sources[first].index]
    }
    return (found, used)
  }
}
