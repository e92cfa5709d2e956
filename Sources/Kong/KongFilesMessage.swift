import Nginx
package import Text

// Messages from the process without privileges that reads Kong's files. The limits are those of the
// readers, so an honest sender never exceeds them.

/// In bytes: a path or a variable, in which each byte can be printed as four.
private let sourceLimit = 4 * 4096 + 100

/// A list in which each listener writes only what differs from the one before: 10,000 of one file with
/// the same flags take twelve bytes each.
extension [Listener] {
  fileprivate func write(to writer: inout MessageWriter) {
    writer.number(count)
    var last: Listener?
    for listener in self {
      listener.write(to: &writer, after: last)
      last = listener
    }
  }

  fileprivate init(from reader: inout MessageReader) throws(MalformedMessage) {
    self = []
    for _ in 0..<(try reader.number(0...NginxLimits().listens)) {
      append(try Listener(from: &reader, after: last))
    }
  }
}

extension Listener {
  /// The bits of a listener's first number, above the two for the form of its address.
  private static let isOnlyInFileBit = 4
  private static let hasLastOriginBit = 8
  private static let hasLastNameBit = 16
  private static let hasLastFlagsBit = 32

  /// The host, or the path of a socket.
  private var name: String {
    switch address {
    case .inet(let host, _), .portRange(let host, _): host
    case .unix(let path): path
    }
  }

  fileprivate func write(to writer: inout MessageWriter, after last: Listener?) {
    let (name, form) = (name, address.form)
    let hasLastOrigin = last?.origin == origin
    let hasLastName = last?.name == name
    let hasLastFlags = last?.flags == flags
    writer.number(
      form | (isOnlyInFile ? Listener.isOnlyInFileBit : 0)
        | (hasLastOrigin ? Listener.hasLastOriginBit : 0)
        | (hasLastName ? Listener.hasLastNameBit : 0)
        | (hasLastFlags ? Listener.hasLastFlagsBit : 0))
    if !hasLastOrigin { writer.text(origin) }
    writer.number(line)
    if !hasLastName { writer.text(name) }
    switch address {
    case .inet(_, let port): writer.number(port)
    case .portRange(_, let ports):
      writer.number(ports.lowerBound)
      writer.number(ports.upperBound)
    case .unix: break
    }
    if !hasLastFlags { writer.list(flags) { $0.text($1) } }
  }

  /// - Throws: ``MalformedMessage``, also for a value that repeats the one before without the bit for it.
  fileprivate init(
    from reader: inout MessageReader, after last: Listener?
  ) throws(MalformedMessage) {
    let bits = try reader.number(0...63)
    guard bits < Listener.hasLastOriginBit || last != nil else { throw MalformedMessage() }
    let origin = try reader.text(
      limit: sourceLimit, or: last?.origin, bits & Listener.hasLastOriginBit != 0)
    let line = try reader.number(0...(NginxLimits().fileBytes + 1))
    let name = try reader.text(
      limit: 4 * 255, or: last?.name, bits & Listener.hasLastNameBit != 0)
    let address: ListenAddress
    switch bits & 3 {
    case 0: address = .inet(host: name, port: try reader.number(1...65535))
    case 1:
      let first = try reader.number(1...65535)
      address = .portRange(host: name, ports: first...(try reader.number(first...65535)))
    case 2: address = .unix(path: name)
    default: throw MalformedMessage()
    }
    var flags = last?.flags ?? []
    if bits & Listener.hasLastFlagsBit == 0 {
      flags = try reader.list(limit: NginxListen.argumentLimit) {
        reader throws(MalformedMessage) in try reader.text(limit: 4 * NginxListen.parameterLimit)
      }
      guard flags != last?.flags else { throw MalformedMessage() }
    }
    self.init(
      source: origin, line: line, address: address, flags: flags,
      isOnlyInFile: bits & Listener.isOnlyInFileBit != 0)
  }
}

extension ListenAddress {
  fileprivate var form: Int {
    switch self {
    case .inet: 0
    case .portRange: 1
    case .unix: 2
    }
  }
}

extension MessageReader {
  /// A text, or the last one of its kind if the bit is set.
  ///
  /// A text that repeats the last is malformed.
  fileprivate mutating func text(
    limit: Int, or last: String?, _ isLast: Bool
  ) throws(MalformedMessage) -> String {
    if isLast, let last { return last }
    let text = try text(limit: limit)
    guard text != last else { throw MalformedMessage() }
    return text
  }
}

extension Explanation {
  fileprivate static func list(
    from reader: inout MessageReader
  ) throws(MalformedMessage) -> [Explanation] {
    try reader.list(limit: NginxLimits().warnings + 1) { reader throws(MalformedMessage) in
      try Explanation(from: &reader)
    }
  }
}

extension GeneratedListeners: Message {
  /// Writes all of it.
  package func write(to writer: inout MessageWriter) {
    listeners.write(to: &writer)
    writer.list(warnings) { $1.write(to: &$0) }
    writer.flag(isCurrent)
  }

  /// Reads it, within the readers' limits.
  package init(from reader: inout MessageReader) throws(MalformedMessage) {
    listeners = try [Listener](from: &reader)
    warnings = try Explanation.list(from: &reader)
    isCurrent = try reader.flag()
  }
}

extension KongConfiguration {
  /// Kong has 230 options.
  private static let settingLimit = 10_000

  fileprivate func write(to writer: inout MessageWriter) {
    writer.list(settings) { writer, setting in
      writer.text(setting.name)
      writer.text(setting.value)
      writer.number(setting.line)
    }
  }

  fileprivate init(from reader: inout MessageReader) throws(MalformedMessage) {
    let settings = try reader.list(limit: KongConfiguration.settingLimit) {
      reader throws(MalformedMessage) in
      let name = try reader.text(limit: 255)
      guard name.utf8.allSatisfy({ isDigit($0) || isLetter($0) || $0 == UInt8(ascii: "_") }) else {
        throw MalformedMessage()
      }
      return Setting(
        name: name, value: try reader.bytes(limit: KongFiles.limit),
        line: try reader.number(1...KongFiles.limit))
    }
    self.init(settings)
  }
}

extension KongDefaultsReading: Message {
  /// Writes all of it.
  package func write(to writer: inout MessageWriter) {
    switch self {
    case .absent: writer.number(0)
    case .list(let defaults):
      writer.number(1)
      defaults.configuration.write(to: &writer)
    case .unusable(let reason):
      writer.number(2)
      writer.text(reason)
    }
  }

  /// Reads it, within the readers' limits.
  package init(from reader: inout MessageReader) throws(MalformedMessage) {
    switch try reader.number(0...2) {
    case 0: self = .absent
    case 1: self = .list(KongDefaults(try KongConfiguration(from: &reader)))
    default: self = .unusable(try reader.text(limit: Explanation.messageLimit))
    }
  }
}

extension KongFiles: Message {
  /// Writes what ``init(for:isRoot:files:)`` reads of files, and of a kong.conf only what matters to a
  /// start.
  package func write(to writer: inout MessageWriter) {
    writer.optional(configuration) { writer, file in
      writer.text(file.path)
      file.configuration.relevant.write(to: &writer)
    }
    writer.optional(unread) { writer, file in
      writer.text(file.path)
      writer.text(file.reason)
    }
    writer.list(injected?.parts ?? []) { writer, part in
      writer.number(NginxBlock.allCases.firstIndex(of: part.block) ?? 0)
      part.listeners.write(to: &writer)
      writer.list(part.warnings) { $1.write(to: &$0) }
    }
  }

  /// Reads it, within the readers' limits.
  package init(from reader: inout MessageReader) throws(MalformedMessage) {
    self.init()
    configuration = try reader.optional { reader throws(MalformedMessage) in
      ConfigurationFile(
        path: try reader.bytes(limit: sourceLimit),
        configuration: try KongConfiguration(from: &reader))
    }
    unread = try reader.optional { reader throws(MalformedMessage) in
      UnreadFile(
        path: try reader.bytes(limit: sourceLimit),
        reason: try reader.text(limit: Explanation.messageLimit))
    }
    injected = InjectedListeners(
      parts: try reader.list(limit: KongFiles.limit) { reader throws(MalformedMessage) in
        let block = NginxBlock.allCases[
          try reader.number(0...(NginxBlock.allCases.count - 1))]
        return InjectedListeners.Part(
          block: block, listeners: try [Listener](from: &reader),
          warnings: try Explanation.list(from: &reader))
      })
  }
}
