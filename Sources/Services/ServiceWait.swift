package import Text

/// A service that a start waits for.
package struct Service: Equatable, Sendable {
  /// What counts as an answer.
  package enum Kind: Equatable, Sendable {
    /// A connection.
    case connection
    /// PostgreSQL's answer to the user and the database that Kong names.
    case postgreSQL(user: ByteString, database: ByteString, encrypts: Bool)
  }

  /// Where it listens.
  package var address: ServiceAddress
  /// What counts as an answer.
  package var kind: Kind
  /// What names it: "--wait-for", "KONG_PG_HOST".
  package var origin: String

  /// Names a service.
  package init(address: ServiceAddress, kind: Kind, origin: String) {
    self.address = address
    self.kind = kind
    self.origin = origin
  }

  /// "db:5432 (--wait-for)", "PostgreSQL at db:5432 (KONG_PG_HOST)".
  package var description: String {
    switch kind {
    case .connection: "\(address) (\(origin))"
    case .postgreSQL: "PostgreSQL at \(address) (\(origin))"
    }
  }
}

/// A wait for services before the command or Kong begins.
package struct ServiceWait: Equatable, Sendable {
  /// The services, of which each must answer once.
  package var services: [Service]
  /// How long all of them may take together.
  package var timeout: TimeSpan
  /// How long after an attempt the next one begins.
  package var interval: TimeSpan

  /// Waits for services.
  package init(services: [Service], timeout: TimeSpan, interval: TimeSpan) {
    self.services = services
    self.timeout = timeout
    self.interval = interval
  }

  /// The services in words.
  package var subject: String {
    services.map { $0.description }.joined(separator: ", ")
  }

  /// What is said while a service does not answer.
  ///
  /// - Parameter elapsed: how long it has been waited for.
  package func progress(_ service: Service, _ obstacle: ServiceObstacle, after elapsed: TimeSpan)
    -> String
  {
    elapsed < ServiceWait.progressInterval
      ? "waiting for \(service.description), at most \(timeout.text): \(obstacle.text)"
      : "still waiting for \(service.description) after \(elapsed.milliseconds / 1000)s: \(obstacle.text)"
  }

  /// How long nothing is said.
  package static let progressInterval = TimeSpan(milliseconds: 10_000)

  /// Why the start ends when the time is over.
  package func failure(_ service: Service, _ obstacle: ServiceObstacle) -> StartFailure {
    StartFailure(
      status: ExitStatus.unavailable,
      what: "\(service.description) has not answered within \(timeout.text)",
      why: obstacle.text,
      waysOut: obstacle.waysOut + [
        "wait longer: --wait-timeout 5m, or ENTRYPOINT_WAIT_TIMEOUT=5m"
      ])
  }
}
