package import Kong
import Text
import CLinux

/// The environment as execve(2) gave it: pointers to "NAME=value" strings, of which none is copied
/// unless it is interpreted, and none is changed.
package struct EnvironmentBlock {
  private let strings: CStrings

  /// Wraps the environment, which must outlive the block.
  package init(_ strings: CStrings) {
    self.strings = strings
  }

  /// The variables that a plan can depend on.
  package func interpreted() -> Environment {
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
    return Environment(variables, isNonEmpty: isNonEmpty)
  }

  /// Whether a variable is set and not empty; the first of the name counts, and is not copied.
  private func isNonEmpty(_ name: String) -> Bool {
    let prefix = ByteString("\(name)=").bytes.map(CChar.init(truncatingIfNeeded:))
    for string in strings where strncmp(string, prefix, prefix.count) == 0 {
      return string[prefix.count] != 0
    }
    return false
  }

  /// The strings with some variables replaced, added at the end, or left out.
  func applying(_ changes: [EnvironmentChange]) -> OwnedStrings {
    let prefixes = changes.map {
      ByteString("\($0.name)=").bytes.map(CChar.init(truncatingIfNeeded:))
    }
    let kept = strings.filter { string in
      !prefixes.contains { strncmp(string, $0, $0.count) == 0 }
    }
    let added = changes.compactMap { change -> ByteString? in
      let name = ByteString("\(change.name)=")
      switch change.value {
      case .text(let value): return name + value
      case .secret(let secret): return name + ByteString(secret.revealedBytes)
      case .removed: return nil
      }
    }
    return OwnedStrings(kept, adding: added)
  }
}
