/// The listeners that Kong's settings name: those of the environment, then of kong.conf, then Kong's
/// defaults, as far as Kong's role uses them.
struct ListenSettings {
  /// Those that somebody has set.
  private(set) var chosen: [Listener] = []
  /// Those that nobody has set, so that Kong's defaults hold.
  private(set) var defaults: [Listener] = []
  private(set) var warnings: [Explanation] = []
  private var role: String

  /// Reads the settings.
  ///
  /// - Throws: ``StartFailure`` for a value that is no list of listeners.
  init(environment: Environment, files: KongFiles) throws(StartFailure) {
    let file = files.configuration
    role =
      (environment.nonEmpty("KONG_ROLE") ?? file?.configuration.role)?.text ?? "traditional"
    var known: [String] = []
    for variable in environment.variables where Environment.isListenSetting(variable.name) {
      known.append(variable.name)
      chosen += try listeners(variable.value, of: variable.name, source: variable.name)
    }
    let settings = file?.configuration.listenSettings.filter { !known.contains($0.variable) } ?? []
    for setting in settings {
      known.append(setting.variable)
      let source = "\(file?.path ?? ""):\(setting.line)"
      chosen += try listeners(setting.value, of: setting.variable, source: source).onlyInFile
    }
    for (name, value) in ListenSettings.defaults where !known.contains(name) {
      let option = String(name.dropFirst("KONG_".count)).lowercased()
      // Kong's own list knows what its version has; without it, the version is not known.
      let own = files.defaults.map { $0.listenDefault(of: option) ?? "off" }
      defaults +=
        try listeners(own ?? value, of: name, source: "default of \(option)").onlyInFile
    }
  }

  /// How many warnings there are at the most: a hostile kong.conf has a reason for any number.
  private static let warningLimit = 20

  /// Those of Kong 3.9 (kong_defaults.lua), of the settings that all roles but one use.
  private static let defaults: [(String, ByteString)] = [
    ("KONG_PROXY_LISTEN", "0.0.0.0:8000, 0.0.0.0:8443 ssl"),
    ("KONG_ADMIN_LISTEN", "127.0.0.1:8001, 127.0.0.1:8444 ssl"),
    ("KONG_ADMIN_GUI_LISTEN", "0.0.0.0:8002, 0.0.0.0:8445 ssl"),
    ("KONG_STATUS_LISTEN", "127.0.0.1:8007"),
    ("KONG_CLUSTER_LISTEN", "0.0.0.0:8005"),
  ]

  /// The listeners of one setting; none where the role does not use it, though it must be right.
  private mutating func listeners(
    _ value: ByteString, of name: String, source: String
  ) throws(StartFailure) -> [Listener] {
    let listeners = try ListenSetting.parse(value, source: source)
    guard isUsed(name) else { return [] }
    if warnings.count < ListenSettings.warningLimit,
      let warning = ListenSetting.warning(of: value, source: source)
    {
      warnings.append(warning)
    }
    return listeners
  }

  /// Whether Kong opens these listeners in its role (Kong 3.9, templates/nginx_kong.lua).
  private func isUsed(_ name: String) -> Bool {
    switch name {
    case "KONG_PROXY_LISTEN", "KONG_STREAM_LISTEN": role != "control_plane"
    case "KONG_ADMIN_LISTEN", "KONG_ADMIN_GUI_LISTEN": role != "data_plane"
    case "KONG_CLUSTER_LISTEN", "KONG_CLUSTER_TELEMETRY_LISTEN": role == "control_plane"
    default: true
    }
  }

  // MARK: with what was generated

  /// The best knowledge of what Kong listens on.
  ///
  /// The configuration that `kong prepare` has generated is the truth; a listener in it that a
  /// setting names keeps the setting as its source, as that is what a person changes. Where it could
  /// not all be read, or is of an older start, settings can say more.
  func listeners(with generated: GeneratedListeners?) -> [Listener] {
    let settings = chosen + defaults
    guard let generated else { return settings }
    let (found, unused) = generated.listeners.onlyInFile.withSources(of: settings)
    if !generated.warnings.isEmpty { return found + unused.map { settings[$0] } }
    // Which defaults an older Kong has that prepared the prefix is not known.
    return generated.isCurrent
      ? found : found + unused.filter { $0 < chosen.count }.map { settings[$0] }
  }
}

extension [Listener] {
  /// The same, as files that Kong's user may own say them.
  fileprivate var onlyInFile: [Listener] {
    map { listener in
      var listener = listener
      listener.isOnlyInFile = true
      return listener
    }
  }

  /// The listeners, each replaced by the first of `settings` that means the same socket, by the letters
  /// of its address; and the indices of those settings that replace none.
  ///
  /// Sorted, as a hostile kong.conf can name 100,000.
  fileprivate func withSources(of settings: [Listener]) -> ([Listener], unused: [Int]) {
    let keys = settings.map(\.socket)
    let order = keys.indices.sorted { keys[$0] == keys[$1] ? $0 < $1 : keys[$0] < keys[$1] }
    var isUsed = [Bool](repeating: false, count: settings.count)
    let found = map { listener in
      let socket = listener.socket
      var first = 0
      var end = order.count
      while first < end {
        let middle = (first + end) / 2
        if keys[order[middle]] < socket { first = middle + 1 } else { end = middle }
      }
      guard first < order.count, keys[order[first]] == socket else { return listener }
      isUsed[order[first]] = true
      return settings[order[first]]
    }
    return (found, keys.indices.filter { !isUsed[$0] })
  }
}
