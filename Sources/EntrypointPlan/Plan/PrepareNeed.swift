/// Why a `kong` command that ends with `nginx -t` needs cap_net_bind_service.
struct PrepareNeed {
  /// The need; without listeners where none is known that has it.
  let need: Need
  /// In words, after the command's name: "it ends with nginx -t, which ...".
  let reason: String
  /// Whether it may be granted at all.
  let isAllowed: Bool

  /// The listeners that are known to need it.
  var listeners: [Listener] { need.listeners }

  /// Looks at what is known before the command runs.
  ///
  /// Where the settings cannot tell which listeners there are, they may need it. What was asked for
  /// by name is for nginx, and so for `nginx -t`, too.
  ///
  /// - Returns: nil where nothing is needed.
  /// - Throws: ``StartFailure`` for the name of a capability that the kernel does not know.
  init?(settings: ListenSettings, request: Request, host: HostSnapshot) throws(StartFailure) {
    let requests = request.capabilities.filter {
      host.capabilityNames.capability(named: $0.name) == .netBindService
    }
    let needs = try Needs(
      listeners: settings.listeners(with: nil), requests: requests, snapshot: host)
    let refusal = requests.first { !$0.isGranted }?.origin
    let hidden = host.unprivilegedPortStart > 1 ? settings.warnings.first : nil
    if let known = needs.needs.first(where: { $0.capability == .netBindService }) {
      need = known
      reason =
        known.listeners.isEmpty
        ? "\(known.summary) \(known.verb) it"
        : "it ends with nginx -t, which binds \(known.listenerSummary)"
    } else if let hidden {
      need = Need(capability: .netBindService, forbiddenBy: refusal)
      reason = "it ends with nginx -t, and \(hidden.what)"
    } else {
      return nil
    }
    // What comes from entrypoint's own file is for listeners of the default proxy only.
    let isForProxy =
      !host.secureExecution
      || request.proxy == Request.defaultProxy && (!need.listeners.isEmpty || hidden != nil)
    isAllowed = need.forbiddenBy == nil && host.ownsNetwork && isForProxy
  }
}
