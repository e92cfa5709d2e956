import Capabilities
import Kong
import Services
import Text

extension StartPlanner {
  /// The wait that is asked for; nil if nothing is to be waited for.
  ///
  /// - Throws: ``StartFailure`` if it cannot be known where the database is.
  func wait() throws(StartFailure) -> ServiceWait? {
    guard let asked = request.wait else { return nil }
    let database = DatabaseService(request, files: host.files)
    var services: [Service] = []
    for subject in asked.subjects {
      switch subject {
      case .database:
        if let service = try database.service() { services.append(service) }
      case .service(let address):
        services.append(Service(address: address, kind: .connection, origin: asked.origin))
      }
    }
    guard !services.isEmpty else { return nil }
    return ServiceWait(services: services, timeout: asked.timeout, interval: asked.interval)
  }

  /// What is said where a database is waited for that Kong does not use.
  var waitWarnings: [Explanation] {
    guard let asked = request.wait, request.waitsForDatabase,
      DatabaseService(request, files: host.files).isOff
    else { return [] }
    return [
      Explanation(
        what: "\(asked.origin) names the database, but Kong uses none",
        why: "KONG_DATABASE, or database in kong.conf, is off",
        waysOut: ["leave out the word database in \(asked.origin)"])
    ]
  }
}

extension Basis {
  /// The step that waits, in a child that is the command's user and has no privileges: it reads what
  /// servers send.
  ///
  /// - Parameter acts: what this user does before.
  func step(of wait: ServiceWait, after acts: [Step] = []) -> Step {
    var sequence = LaunchSequence(from: start)
    sequence.retire(to: user, keeping: [])
    sequence.add(.endWithParent)
    return .run(
      sequence.steps + [.verify(sequence.state), .closeDescriptors(keeping: [])] + acts
        + [.wait(wait)],
      endsOrphans: false)
  }
}
