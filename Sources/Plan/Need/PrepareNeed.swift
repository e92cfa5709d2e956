import Capabilities
import Kong
import Nginx
import Text

/// Why a `kong` command that ends with `nginx -t` needs cap_net_bind_service.
struct PrepareNeed {
  /// The need; without listeners if none is known to have it.
  let need: Need
  /// In words, after the command's name: "it ends with nginx -t, which ...".
  let reason: String
  /// Whether it may be granted at all.
  let isAllowed: Bool
  /// Whether Kong certainly opens the listeners.
  private let areCertain: Bool

  /// The listeners that are known to need it.
  var listeners: [Listener] { need.listeners }
  /// What the command, and nginx after it, certainly fails without.
  var certain: CapabilitySet {
    areCertain && !listeners.isEmpty ? CapabilitySet(need.capability) : []
  }

  /// Decides by what is known before the command runs.
  ///
  /// If the settings do not tell which listeners there are, one may need it. What was asked for by
  /// name is for nginx, so also for `nginx -t`.
  ///
  /// - Parameter needs: those of the settings' listeners, which are looked at once: there can be 20,000.
  /// - Returns: nil where nothing is needed.
  init?(settings: ConfiguredListeners, needs: Needs, request: Request, host: HostSnapshot) {
    areCertain = settings.areCertain
    let refusal = request.capabilities.first {
      host.capabilityNames.capability(named: $0.name) == .netBindService && !$0.isGranted
    }?.origin
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
