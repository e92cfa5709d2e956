import EntrypointPlan
import Glibc

/// The environment as execve(2) gave it: pointers to "NAME=value" strings, of which none is copied
/// unless it is interpreted, and none is changed.
public struct EnvironmentBlock {
  private let strings: CStrings

  /// Wraps the environment, which must outlive the block.
  public init(_ strings: CStrings) {
    self.strings = strings
  }

  /// The variables that a plan can depend on.
  public func interpreted() -> Environment {
    var variables: [Environment.Variable] = []
    for string in strings {
      guard let end = strchr(string, CInt(UInt8(ascii: "="))) else { continue }
      let name = UnsafeRawBufferPointer(start: string, count: end - string)
      guard Environment.interprets(name) else { continue }
      variables.append(
        Environment.Variable(
          name: String(decoding: name, as: UTF8.self),
          value: ByteString(cString: end.advanced(by: 1))))
    }
    return Environment(variables)
  }

  /// The strings with some variables replaced, or added at the end, and a null pointer.
  func applying(_ changes: [EnvironmentChange]) -> [UnsafeMutablePointer<CChar>?] {
    let prefixes = changes.map { ByteString("\($0.name)=").bytes.map(CChar.init) }
    var result: [UnsafeMutablePointer<CChar>?] = []
    for string in strings {
      let isReplaced = prefixes.contains { strncmp(string, $0, $0.count) == 0 }
      if !isReplaced { result.append(string) }
    }
    for change in changes {
      result.append((ByteString("\(change.name)=") + change.value).duplicated())
    }
    result.append(nil)
    return result
  }
}

extension ByteString {
  /// A C string that lives until exec or the end of the process.
  func duplicated() -> UnsafeMutablePointer<CChar>? {
    withCString { strdup($0) }
  }
}
