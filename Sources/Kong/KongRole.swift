import Nginx
import Text

/// What a Kong is in a deployment, as its setting `role` says.
struct KongRole {
  enum Value: String, CaseIterable {
    case traditional
    case controlPlane = "control_plane"
    case dataPlane = "data_plane"
  }

  /// Nil where it is not known.
  private var value: Value?
  /// Why it is not known.
  private(set) var warning: Explanation?

  /// Reads the setting.
  ///
  /// - Throws: ``StartFailure`` for a role that Kong does not have, also for an empty one.
  init(_ environment: Environment, _ files: KongFiles) throws(StartFailure) {
    // Kong 1.x has no roles.
    if let defaults = files.defaults, let version = defaults.version, version == .first {
      value = .traditional
      return
    }
    var source = "KONG_ROLE"
    var text = environment["KONG_ROLE"]
    if text == nil, let file = files.configuration {
      text = file.configuration["role"]
      source = "role in \(file.path.shortened)"
    }
    guard let text else {
      value = .traditional
      return
    }
    let role = luaTrimmed(text.bytes[...])
    if ListenParser.isReference(role) {
      warning = Explanation(
        what: "the listeners that Kong opens are not known before kong prepare has run",
        why:
          "\(source) is a reference to a vault, which Kong resolves itself; until then"
          + " entrypoint assumes the listeners of all roles",
        waysOut: ["set KONG_ROLE to the role itself"])
      return
    }
    value = Value.allCases.first { $0.rawValue.utf8.elementsEqual(role) }
    guard value == nil else { return }
    throw StartFailure(
      status: ExitStatus.configuration, what: "\(source) is \"\(text.shortened)\"",
      why: "Kong's roles are traditional, control_plane and data_plane",
      waysOut: ["set it to one of these", "leave it out for traditional"])
  }

  /// Whether it is this role, or may be.
  func canBe(_ other: Value) -> Bool { value == nil || value == other }
}
