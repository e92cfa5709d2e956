import Services
import Text

/// Asks a service once whether it is there.
struct ServiceProbe {
  /// When to give up.
  let deadline: MonotonicTime

  /// How long a connection or an answer may take, in milliseconds.
  private static let patience = 3000
  /// How many addresses of a name are tried.
  private static let addressLimit = 8

  /// Resolves the service's name, and tries its addresses until one answers.
  ///
  /// - Throws: ``ServiceObstacle``: that of the first address.
  func ask(_ service: Service) throws(ServiceObstacle) {
    var addresses: [IPAddress]
    switch service.address.host {
    case .address(let address): addresses = [address]
    case .name(let name): addresses = try NameResolution(deadline: deadline).addresses(of: name)
    }
    var first: ServiceObstacle?
    for address in addresses.prefix(ServiceProbe.addressLimit) {
      do throws(ServiceObstacle) {
        return try ask(service.kind, at: address, service.address.port)
      } catch {
        first = first ?? error
      }
    }
    if let first { throw first }
  }

  private func ask(
    _ kind: Service.Kind, at address: IPAddress, _ port: UInt16
  ) throws(ServiceObstacle) {
    let connection = Connection(address: address, port: port, deadline: limit)
    switch kind {
    case .connection: _ = try connection.open()
    case .postgreSQL(let user, let database, let encrypts):
      let name = encrypts ? try encryptionNames(connection) : nil
      try askPostgreSQL(connection, user: name ?? user, database: name ?? database)
    }
  }

  private var limit: MonotonicTime {
    MonotonicTime.now + min(ServiceProbe.patience, deadline.remaining)
  }

  /// Asks whether the server encrypts.
  ///
  /// It does so even while it starts up. Only a second connection, which is not encrypted, tells whether it
  /// does; it names neither Kong's user nor its database.
  ///
  /// - Returns: what to name there; nil if the server does not encrypt, and Kong names both in the clear.
  private func encryptionNames(_ connection: Connection) throws(ServiceObstacle) -> ByteString? {
    let answer = try connection.exchange(PostgreSQL.encryptionRequest) { $0.first }
    switch answer {
    case PostgreSQL.encrypts: return "entrypoint"
    case PostgreSQL.doesNotEncrypt: return nil
    default: throw .notPostgreSQL(connection.text)
    }
  }

  private func askPostgreSQL(
    _ connection: Connection, user: ByteString, database: ByteString
  ) throws(ServiceObstacle) {
    let request = PostgreSQL.startup(user: user, database: database)
    switch try connection.exchange(request, PostgreSQLAnswer.init) {
    case .serves: return
    case .refuses(let message): throw .refuses(message)
    case .unknown: throw .notPostgreSQL(connection.text)
    }
  }
}

/// A connection to one address.
private struct Connection {
  let address: IPAddress
  let port: UInt16
  let deadline: MonotonicTime

  var text: String { address.text(port: port) }

  func open() throws(ServiceObstacle) -> Socket {
    do throws(Errno) {
      let address = SocketAddress(address, port: port)
      let socket = try Socket(for: address, blocks: false)
      try socket.connect(to: address, until: deadline)
      return socket
    } catch {
      throw obstacle(error)
    }
  }

  /// Connects, sends a request, and receives until the answer is complete.
  func exchange<Answer>(
    _ request: [UInt8], _ answer: ([UInt8]) -> Answer?
  ) throws(ServiceObstacle) -> Answer {
    let socket = try open()
    var received: [UInt8] = []
    do throws(Errno) {
      try socket.send(request)
      while received.count < PostgreSQL.answerLimit {
        let piece = try socket.receive(upTo: PostgreSQL.answerLimit, until: deadline)
        if piece.isEmpty { break }
        received += piece
        if let answer = answer(received) { return answer }
      }
    } catch {
      throw obstacle(error)
    }
    throw .closed(text)
  }

  private func obstacle(_ reason: Errno) -> ServiceObstacle {
    switch reason {
    case .connectionRefused: .refused(text)
    case .timedOut: .silent(text)
    case .connectionReset, .brokenPipe: .closed(text)
    default: .unreachable(text, reason: reason.description)
    }
  }
}
