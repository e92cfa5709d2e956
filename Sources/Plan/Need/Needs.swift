import Capabilities
import Nginx
import Text

/// What is needed, and by whom.
struct Needs: Equatable {
  /// Sorted by number.
  private(set) var needs: [Need] = []

  /// - Throws: ``StartFailure`` for the name of a capability that the kernel does not know.
  init(
    listeners: [Listener], requests: [CapabilityRequest], snapshot: HostSnapshot
  ) throws(StartFailure) {
    for (listener, needed) in listeners.needing(from: snapshot.unprivilegedPortStart) {
      for capability in needed.members { update(capability) { $0.listeners.append(listener) } }
    }
    for request in requests {
      guard let capability = snapshot.capabilityNames.capability(named: request.name) else {
        throw Needs.unknown(request, names: snapshot.capabilityNames)
      }
      if request.isGranted { update(capability) { $0.requests.append(request.origin) } }
    }
    for request in requests where !request.isGranted {
      let capability = snapshot.capabilityNames.capability(named: request.name)
      for index in needs.indices where needs[index].capability == capability {
        needs[index].forbiddenBy = request.origin
      }
    }
    needs.sort { $0.capability < $1.capability }
  }

  /// Changes the need of a capability, which may be a new one.
  ///
  /// There are a few at the most, so an array will do.
  private mutating func update(_ capability: Capability, _ change: (inout Need) -> Void) {
    for index in needs.indices where needs[index].capability == capability {
      change(&needs[index])
      return
    }
    var need = Need(capability: capability)
    change(&need)
    needs.append(need)
  }

  /// Those that a listener needs, forbidden or not.
  var ofListeners: CapabilitySet {
    CapabilitySet(needs.filter { !$0.listeners.isEmpty }.map { $0.capability })
  }

  /// All needed and not forbidden.
  var wanted: CapabilitySet {
    CapabilitySet(needs.filter { $0.forbiddenBy == nil }.map { $0.capability })
  }

  /// Those that no listener needs, but that were asked for by name.
  var onlyRequested: CapabilitySet {
    CapabilitySet(needs.filter { $0.listeners.isEmpty }.map { $0.capability })
  }

  /// Those that were not asked for by name.
  var onlyForListeners: CapabilitySet {
    CapabilitySet(needs.filter { $0.requests.isEmpty }.map { $0.capability })
  }

  private static func unknown(
    _ request: CapabilityRequest, names: CapabilityNames
  ) -> StartFailure {
    let similar = similar(to: request.name.lowercased(), in: names.names(of: names.all))
    return StartFailure(
      status: ExitStatus.configuration,
      what: "\(request.origin.description): there is no capability \"\(ByteString(request.name))\"",
      why: "this kernel knows no capability of this name"
        + (similar.isEmpty ? "" : "; similar: \(similar.joined(separator: ", "))"),
      waysOut: [
        "correct the name; capabilities(7) lists all", "remove \(request.origin.description)",
      ]
    )
  }

  /// Three names at the most: those that have most letters at both ends in common with `name`.
  private static func similar(to name: String, in all: [String]) -> [String] {
    let name = Array((name.hasPrefix("cap_") ? name : "cap_" + name).utf8)
    let inCommon = all.map { sharedEnds(name, Array($0.utf8)) }
    guard let most = inCommon.max(), most >= "cap_".utf8.count + 3 else { return [] }
    return all.indices.filter { inCommon[$0] == most }.prefix(3).map { all[$0] }
  }

  private static func sharedEnds(_ first: [UInt8], _ second: [UInt8]) -> Int {
    let beginning = zip(first, second).prefix { $0 == $1 }.count
    let end = zip(first.reversed(), second.reversed()).prefix { $0 == $1 }.count
    return min(beginning + end, first.count, second.count)
  }
}
