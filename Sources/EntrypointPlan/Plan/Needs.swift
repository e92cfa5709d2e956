/// What is needed, and by whom.
struct Needs: Equatable {
  /// Sorted by number.
  private(set) var needs: [Need] = []

  /// - Throws: ``StartFailure`` for the name of a capability that the kernel does not know.
  init(
    listeners: [Listener], requests: [CapabilityRequest], snapshot: HostSnapshot
  ) throws(StartFailure) {
    var byCapability: [Capability: Need] = [:]
    var forbidden: [Capability: String] = [:]
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
    for index in needs.indices { needs[index].forbiddenBy = forbidden[needs[index].capability] }
  }

  /// All needed and not forbidden.
  var wanted: CapabilitySet {
    CapabilitySet(needs.filter { $0.forbiddenBy == nil }.map(\.capability))
  }

  /// Those that no listener needs, but that were asked for by name.
  var onlyRequested: CapabilitySet {
    CapabilitySet(needs.filter(\.listeners.isEmpty).map(\.capability))
  }

  /// Those that were not asked for by name.
  var onlyForListeners: CapabilitySet {
    CapabilitySet(needs.filter(\.requests.isEmpty).map(\.capability))
  }

  private static func unknown(
    _ request: CapabilityRequest, names: CapabilityNames
  ) -> StartFailure {
    StartFailure(
      status: ExitStatus.configuration,
      what: "\(request.origin): there is no capability \"\(ByteString(request.name))\"",
      why: "this kernel knows \(names.list(of: names.all))",
      waysOut: ["correct the name; see capabilities(7)", "remove \(request.origin)"]
    )
  }
}
