/// What is needed, by whom, and what was forbidden.
struct Needs: Equatable {
  /// Sorted by number.
  private(set) var needs: [Need] = []
  /// Capabilities that are never granted, with the variable that says so.
  private(set) var forbidden: [Capability: String] = [:]

  /// - Throws: ``StartFailure`` for the name of a capability that the kernel does not know.
  init(
    listeners: [Listener], requests: [CapabilityRequest], snapshot: HostSnapshot
  ) throws(StartFailure) {
    var byCapability: [Capability: Need] = [:]
    for listener in listeners {
      let needed = listener.needs(unprivilegedPortStart: snapshot.unprivilegedPortStart)
      for capability in needed.members {
        byCapability[capability, default: Need(capability: capability)].listeners.append(listener)
      }
    }
    for request in requests {
      guard let capability = snapshot.capabilityNames.capability(named: request.name) else {
        throw Needs.unknown(request, names: snapshot.capabilityNames)
      }
      if request.isGranted {
        byCapability[capability, default: Need(capability: capability)]
          .requests.append(request.origin)
      } else {
        forbidden[capability] = request.origin
      }
    }
    needs = byCapability.values.sorted { $0.capability < $1.capability }
  }

  /// All needed and not forbidden.
  var wanted: CapabilitySet {
    CapabilitySet(needs.map(\.capability).filter { forbidden[$0] == nil })
  }

  /// Those that no listener needs, but that were asked for by name.
  var onlyRequested: CapabilitySet {
    CapabilitySet(needs.filter(\.listeners.isEmpty).map(\.capability))
  }

  private static func unknown(
    _ request: CapabilityRequest, names: CapabilityNames
  ) -> StartFailure {
    StartFailure(
      status: ExitStatus.configuration,
      what: "\(request.origin): there is no capability \"\(ByteString(request.name))\"",
      why: "this kernel knows \(names.text(of: names.all))",
      waysOut: ["correct the name; see capabilities(7)", "remove \(request.origin)"]
    )
  }
}
