package import Text

/// What the beginning of a program's file tells the kernel (execve(2), elf(5)).
package enum ProgramBeginning: Equatable, Sendable {
  /// A script: the interpreter that its first line names, and what follows that on the line.
  case script(interpreter: ByteString, argument: ByteString?)
  /// An ELF file, with its e_machine, and the loader that it names; nil without one, and where that is
  /// not in the bytes read.
  case elf(machine: UInt16, loader: ByteString?)
  /// Anything else.
  case other

  /// How many bytes of a file are worth reading: compilers put all that counts into the first page.
  package static let limit = 4096

  /// As far as the kernel reads a first line (BINPRM_BUF_SIZE).
  private static let lineLimit = 256

  /// Interprets the first bytes of a file.
  package init(_ bytes: [UInt8]) {
    if bytes.starts(with: "#!".utf8) {
      self = ProgramBeginning.script(bytes.prefix(ProgramBeginning.lineLimit).dropFirst(2))
    } else if let header = ELFHeader(bytes) {
      self = .elf(machine: header.machine, loader: header.loader)
    } else {
      self = .other
    }
  }

  private static func script(_ bytes: ArraySlice<UInt8>) -> ProgramBeginning {
    let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
    let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != 0 }.drop(while: isBlank)
    let interpreter = line.prefix { !isBlank($0) }
    var argument = line.dropFirst(interpreter.count).drop(while: isBlank)
    while let last = argument.last, isBlank(last) { argument.removeLast() }
    return .script(
      interpreter: ByteString(Array(interpreter)),
      argument: argument.isEmpty ? nil : ByteString(Array(argument)))
  }
}

/// The fields of an ELF file that say what it runs on.
private struct ELFHeader {
  var machine: UInt16
  var loader: ByteString?

  private static let interpreterType = 3  // PT_INTERP

  init?(_ bytes: [UInt8]) {
    let file = ELFBytes(bytes)
    guard bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46]), let machine = file.number(at: 18, size: 2)
    else { return nil }
    self.machine = UInt16(machine)
    loader = ELFHeader.loader(file)
  }

  private static func loader(_ file: ELFBytes) -> ByteString? {
    let is64 = file.is64
    guard let start = file.number(at: is64 ? 32 : 28, size: is64 ? 8 : 4),
      let size = file.number(at: is64 ? 54 : 42, size: 2),
      let count = file.number(at: is64 ? 56 : 44, size: 2),
      start <= ProgramBeginning.limit
    else { return nil }
    for index in 0..<count {
      let entry = start + index * size
      guard let type = file.number(at: entry, size: 4) else { return nil }
      guard type == interpreterType else { continue }
      guard let offset = file.number(at: entry + (is64 ? 8 : 4), size: is64 ? 8 : 4),
        let length = file.number(at: entry + (is64 ? 32 : 16), size: is64 ? 8 : 4)
      else { return nil }
      return file.text(at: offset, length: length)
    }
    return nil
  }
}

/// Numbers in a file that may be damaged: what lies outside of the bytes read is nil.
private struct ELFBytes {
  private let bytes: [UInt8]

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  var is64: Bool { bytes.count > 4 && bytes[4] == 2 }  // EI_CLASS
  private var isBigEndian: Bool { bytes.count > 5 && bytes[5] == 2 }  // EI_DATA

  func number(at offset: Int, size: Int) -> Int? {
    guard offset >= 0, offset <= bytes.count - size else { return nil }
    let field = bytes[offset..<(offset + size)]
    let ordered = isBigEndian ? Array(field) : field.reversed()
    let value = ordered.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return Int(exactly: value)
  }

  /// A text with a NUL at its end.
  func text(at offset: Int, length: Int) -> ByteString? {
    guard offset >= 0, length > 1, length <= bytes.count, offset <= bytes.count - length else {
      return nil
    }
    return ByteString(Array(bytes[offset..<(offset + length - 1)]))
  }
}
