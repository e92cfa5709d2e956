/// Which settings and blocks Kong uses (kong/templates/nginx.lua, nginx_kong.lua).
///
/// Those for which that is not known count as used.
struct ListenerUse {
  private var role: KongRole
  private var opensProxy: Bool
  private var opensAdmin: Bool
  private var opensManager: Bool
  private var opensStatus: Bool
  private var opensStream: Bool
  private var hasHTTP: Bool
  private var isFirstVersion: Bool

  /// - Parameter isOpen: whether the setting of a variable has a listener, or may have.
  init(role: KongRole, defaults: KongDefaults?, isOpen: (_ variable: String) -> Bool) {
    let (proxy, admin) = (isOpen("KONG_PROXY_LISTEN"), isOpen("KONG_ADMIN_LISTEN"))
    self.role = role
    opensStream = isOpen("KONG_STREAM_LISTEN")
    opensStatus = isOpen("KONG_STATUS_LISTEN")
    hasHTTP = role.canBe(.controlPlane) || proxy || admin || opensStatus
    opensProxy = proxy && (role.canBe(.traditional) || role.canBe(.dataPlane))
    let hasAdmin = role.canBe(.traditional) || role.canBe(.controlPlane)
    opensAdmin = admin && hasAdmin
    let isManagerOfItsOwn = defaults.map { !$0.closesManagerWithAdmin } ?? false
    opensManager = hasAdmin && hasHTTP && (admin || isManagerOfItsOwn)
    isFirstVersion = defaults?.version == .first
  }

  /// Whether Kong opens the listeners of a setting.
  func opens(_ name: String) -> Bool {
    switch name {
    case "KONG_PROXY_LISTEN": opensProxy
    case "KONG_ADMIN_LISTEN": opensAdmin
    case "KONG_ADMIN_GUI_LISTEN": opensManager
    case "KONG_CLUSTER_LISTEN", "KONG_CLUSTER_TELEMETRY_LISTEN": role.canBe(.controlPlane)
    default: true
    }
  }

  /// Whether Kong writes the block that directives are injected into.
  func writes(_ block: NginxBlock) -> Bool {
    if isFirstVersion, !block.isInFirstVersion { return false }
    return switch block {
    case .main, .events: true
    case .http: hasHTTP
    case .upstream, .proxy, .location: opensProxy
    case .admin: opensAdmin
    case .status: opensStatus
    case .stream, .supstream, .sproxy: opensStream
    }
  }
}
