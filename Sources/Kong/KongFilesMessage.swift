import Nginx
package import Text

// What is read of Kong's files in a process without privileges, as messages. The limits are those of
// the readers, which an honest sender keeps.

/// In bytes: of a path or a variable with a line, of which each byte can be shown as four.
private let sourceLimit = 4 * 4096 + 100
/// In bytes: each part of an explanation is cut before that.
private let explanationLimit = 2100

extension Listener {
  fileprivate func write(to writer: inout MessageWriter) {
    writer.text(source)
    switch address {
    case .inet(let host, let port):
      writer.number(0)
      writer.text(host)
      writer.number(port)
    case .portRange(let host, let ports):
      writer.number(1)
      writer.text(host)
      writer.number(ports.lowerBound)
      writer.number(ports.upperBound)
    case .unix(let path):
      writer.number(2)
      writer.text(path)
    }
    writer.list(flags) { $0.text($1) }
    writer.flag(isOnlyInFile)
  }

  fileprivate init(from reader: inout MessageReader) throws(MalformedMessage) {
    let source = try reader.text(limit: sourceLimit)
    let kind = try reader.number(0...2)
    let name = try reader.text(limit: 4 * 255)
    let address: ListenAddress
    switch kind {
    case 0: address = .inet(host: name, port: try reader.number(1...65535))
    case 1:
      let first = try reader.number(1...65535)
      address = .portRange(host: name, ports: first...(try reader.number(first...65535)))
    default: address = .unix(path: name)
    }
    let flags = try reader.list(limit: NginxListen.argumentLimit) {
      reader throws(MalformedMessage) in try reader.text(limit: 4 * NginxListen.parameterLimit)
    }
    self.init(
      source: source, address: address, flags: flags, isOnlyInFile: try reader.flag())
  }

  fileprivate static func list(
    from reader: inout MessageReader
  ) throws(MalformedMessage) -> [Listener] {
    try reader.list(limit: NginxLimits().listens) { reader throws(MalformedMessage) in
      try Listener(from: &reader)
    }
  }
}

extension Explanation {
  fileprivate func write(to writer: inout MessageWriter) {
    writer.text(what)
    writer.text(why)
    writer.list(waysOut) { $0.text($1) }
  }

  fileprivate init(from reader: inout MessageReader) throws(MalformedMessage) {
    self.init(what: "", why: "", waysOut: [])
    what = try reader.text(limit: explanationLimit)
    why = try reader.text(limit: explanationLimit)
    waysOut = try reader.list(limit: 4) { reader throws(MalformedMessage) in
      try reader.text(limit: explanationLimit)
    }
  }

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
    writer.list(listeners) { $1.write(to: &$0) }
    writer.list(warnings) { $1.write(to: &$0) }
    writer.flag(isCurrent)
  }

  /// Reads it, within the readers' limits.
  package init(from reader: inout MessageReader) throws(MalformedMessage) {
    listeners = try Listener.list(from: &reader)
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
    default: self = .unusable(try reader.text(limit: explanationLimit))
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
      writer.list(part.listeners) { $1.write(to: &$0) }
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
        reason: try reader.text(limit: explanationLimit))
    }
    injected = InjectedListeners(
      parts: try reader.list(limit: KongFiles.limit) { reader throws(MalformedMessage) in
        let block = NginxBlock.allCases[
          try reader.number(0...(NginxBlock.allCases.count - 1))]
        return InjectedListeners.Part(
          block: block, listeners: try Listener.list(from: &reader),
          warnings: try Explanation.list(from: &reader))
      })
  }
}
