import Text

/// A question for the addresses of a name (RFC 1035, section 4).
package struct DNSQuestion: Equatable, Sendable {
  /// The kinds of addresses.
  package enum Kind: UInt16, Sendable {
    case ipv4 = 1
    /// AAAA (RFC 3596).
    case ipv6 = 28
  }

  /// A random number, which the answer repeats.
  package var id: UInt16
  /// The name.
  package var name: DNSName
  /// What is asked of it.
  package var kind: Kind

  /// Asks for the addresses of one kind.
  package init(id: UInt16, name: DNSName, kind: Kind) {
    self.id = id
    self.name = name
    self.kind = kind
  }

  /// The question as a message, which asks the server to ask others (RD).
  package var message: [UInt8] {
    bytes(id) + [1, 0] + bytes(1) + [UInt8](repeating: 0, count: 6)
      + name.wire + bytes(kind.rawValue) + bytes(DNSMessage.internet)
  }

  private func bytes(_ number: UInt16) -> [UInt8] {
    [UInt8(number >> 8), UInt8(truncatingIfNeeded: number)]
  }
}

/// What a server of the DNS answers.
package enum DNSAnswer: Equatable, Sendable {
  /// The addresses of this kind, which may be none.
  case addresses([IPAddress])
  /// The name does not exist (NXDOMAIN).
  case noSuchName
  /// The answer is too long for a datagram (TC): ask again over TCP.
  case truncated
  /// Any other code of failure (RFC 1035, section 4.1.1, "RCODE").
  case failed(code: UInt8)

  /// Reads a message; nil if it does not answer this question, or is malformed.
  package init?(_ bytes: [UInt8], to question: DNSQuestion) {
    var message = DNSMessage(bytes)
    guard message.number() == question.id, let flags = message.number(),
      // A response (QR) to a standard query.
      flags & 0xf800 == 0x8000, message.number() == 1, let count = message.number(),
      message.skip(4), message.name() == question.name,
      message.number() == question.kind.rawValue, message.number() == DNSMessage.internet
    else { return nil }
    let code = UInt8(flags & 0xf)
    if flags & 0x200 != 0 {
      self = .truncated
    } else if code == 3 {
      self = .noSuchName
    } else if code != 0 {
      self = .failed(code: code)
    } else {
      guard let records = message.records(Int(count)) else { return nil }
      self = .addresses(DNSAnswer.addresses(of: question, in: records))
    }
  }

  /// The addresses of the name, or of the one that it is an alias of, and so on.
  private static func addresses(
    of question: DNSQuestion, in records: [DNSMessage.Record]
  ) -> [IPAddress] {
    var name = question.name
    // More aliases are a loop.
    for _ in 0..<16 {
      let own = records.filter { $0.name == name }
      let addresses = own.compactMap { record -> IPAddress? in
        if case .address(let address, question.kind) = record.data { address } else { nil }
      }
      if !addresses.isEmpty { return addresses }
      let aliases = own.compactMap { record -> DNSName? in
        if case .alias(let other) = record.data { other } else { nil }
      }
      guard let alias = aliases.first else { return [] }
      name = alias
    }
    return []
  }
}

/// A reader of a message, in which each number has two bytes, the higher first.
struct DNSMessage {
  /// The class of the Internet.
  static let internet: UInt16 = 1

  /// A resource record (RFC 1035, section 4.1.3).
  struct Record {
    enum Data {
      case address(IPAddress, DNSQuestion.Kind)
      /// CNAME.
      case alias(DNSName)
      case other
    }

    var name: DNSName
    var data: Data
  }

  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  mutating func skip(_ count: Int) -> Bool {
    guard bytes.count - position >= count else { return false }
    position += count
    return true
  }

  mutating func number() -> UInt16? {
    guard bytes.count - position >= 2 else { return nil }
    defer { position += 2 }
    return UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
  }

  mutating func name() -> DNSName? { DNSName(bytes, at: &position) }

  mutating func records(_ count: Int) -> [Record]? {
    var records: [Record] = []
    for _ in 0..<count {
      guard let record = record() else { return nil }
      records.append(record)
    }
    return records
  }

  private mutating func record() -> Record? {
    guard let name = name(), let type = number(), let family = number(), skip(4),
      let length = number(), bytes.count - position >= Int(length)
    else { return nil }
    let start = position
    position += Int(length)
    guard family == DNSMessage.internet else { return Record(name: name, data: .other) }
    switch (type, length) {
    case (DNSQuestion.Kind.ipv4.rawValue, 4):
      let address = bytes[start..<position].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      return Record(name: name, data: .address(.ipv4(address), .ipv4))
    case (DNSQuestion.Kind.ipv6.rawValue, 16):
      let address = bytes[start..<position].reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
      return Record(name: name, data: .address(.ipv6(address), .ipv6))
    case (5, _):
      var index = start
      guard let alias = DNSName(bytes, at: &index), index == position else { return nil }
      return Record(name: name, data: .alias(alias))
    default:
      return Record(name: name, data: .other)
    }
  }
}
