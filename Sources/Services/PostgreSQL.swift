package import Text

/// How a client begins to speak with PostgreSQL, up to the server's first answer (PostgreSQL documentation,
/// "Message Formats").
package enum PostgreSQL {
  /// Asks whether the server encrypts: it answers with one byte, S or N (SSLRequest).
  package static let encryptionRequest: [UInt8] = bytes(8) + bytes(80_877_103)
  /// The byte for yes.
  package static let encrypts = UInt8(ascii: "S")
  /// The byte for no.
  package static let doesNotEncrypt = UInt8(ascii: "N")

  /// Names a user and a database (StartupMessage), as version 3.0 of the protocol does.
  package static func startup(user: ByteString, database: ByteString) -> [UInt8] {
    let texts: [ByteString] = ["user", user, "database", database]
    let body = bytes(3 << 16) + texts.flatMap { $0.bytes + [0] } + [0]
    return bytes(UInt32(body.count + 4)) + body
  }

  private static func bytes(_ number: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
  }

  /// The longest answer that is read, in bytes.
  package static let answerLimit = 8192
}

/// A server's first answer to a ``PostgreSQL/startup(user:database:)``.
package enum PostgreSQLAnswer: Equatable, Sendable {
  /// It serves: it asks for a password, or refuses this user or database, which is for Kong to report.
  case serves
  /// It does not serve yet or any more, in its own words.
  case refuses(String)
  /// Something else than PostgreSQL answers.
  case unknown

  /// Reads the beginning of an answer; nil if more of it must be read.
  package init?(_ bytes: [UInt8]) {
    guard let kind = bytes.first else { return nil }
    switch kind {
    // AuthenticationRequest, NegotiateProtocolVersion.
    case UInt8(ascii: "R"), UInt8(ascii: "v"):
      guard bytes.count >= 5 else { return nil }
      self =
        (4...PostgreSQL.answerLimit).contains(PostgreSQLAnswer.length(bytes)) ? .serves : .unknown
    case UInt8(ascii: "E"):
      guard bytes.count >= 5 else { return nil }
      let length = PostgreSQLAnswer.length(bytes)
      guard (5..<PostgreSQL.answerLimit).contains(length) else {
        // Without memory or processes, the server sends only a text (protocol version 2).
        self = .refuses(PostgreSQLAnswer.shown(bytes.dropFirst()))
        return
      }
      guard bytes.count > length else { return nil }
      self = PostgreSQLAnswer.error(bytes[5...length])
    default: self = .unknown
    }
  }

  private static func length(_ bytes: [UInt8]) -> Int {
    bytes[1..<5].reduce(0) { $0 << 8 | Int($1) }
  }

  /// Fields, each a letter and a text that ends in a zero (ErrorResponse).
  private static func error(_ fields: ArraySlice<UInt8>) -> PostgreSQLAnswer {
    var code: ArraySlice<UInt8> = []
    var message: ArraySlice<UInt8> = []
    for field in fields.split(separator: 0) {
      if field.first == UInt8(ascii: "C") { code = field.dropFirst() }
      if field.first == UInt8(ascii: "M") { message = field.dropFirst() }
    }
    // Insufficient resources, such as too many connections; and an operator's intervention: the server
    // starts up or shuts down (PostgreSQL documentation, "Error Codes").
    return code.begins(with: "53") || code.begins(with: "57P") ? .refuses(shown(message)) : .serves
  }

  private static func shown(_ text: ArraySlice<UInt8>) -> String {
    ByteString(Array(text.prefix { $0 != 0 && $0 != UInt8(ascii: "\n") }.prefix(200))).description
  }
}
