package import Capabilities
package import Text

/// How the command gets its capabilities.
package enum Grant: Equatable, Sendable {
  /// It needs none, or has them already.
  case none
  /// From its file, which carries exactly these.
  case file(CapabilitySet, path: ByteString)
  /// As ambient capabilities.
  case ambient(CapabilitySet)

  /// The word for it in options and reports.
  package var mode: String {
    switch self {
    case .none: "none"
    case .file: "file"
    case .ambient: "ambient"
    }
  }

  /// What is granted.
  var capabilities: CapabilitySet {
    switch self {
    case .none: []
    case .file(let set, _), .ambient(let set): set
    }
  }
}

/// What a `kong` command gets for its `nginx -t`, which binds every listener.
package struct PrepareGrant: Equatable, Sendable {
  /// How that nginx gets cap_net_bind_service.
  package var grant: Grant
  /// Why, or why not.
  package var reason: String
}
