package import Kong
import Text

/// The environment from execve(2): "NAME=value" strings that are never changed, and copied only if a plan
/// can depend on them.
package struct EnvironmentBlock {
  private let strings: CStrings

  /// Wraps the environment.
  package init(_ strings: CStrings) {
    self.strings = strings
  }

  /// The variables that a plan can depend on.
  package func interpreted() -> Environment {
    Environment(strings.compactMap { variable($0) }, isNonEmpty: isNonEmpty)
  }

  /// The variables that only checks look at.
  ///
  /// Where the contents of a file can stand in its place, such as a key, they are not copied.
  package func ofChecks() -> [Environment.Variable] {
    strings.compactMap {
      variable($0) { name, value in
        Environment.concernsChecks(name)
          && (!Environment.namesFile(name) || value.begins(with: "/")
            || value.begins(with: "system"))
      }
    }
  }

  private func variable(
    _ string: CString,
    where isWanted: (_ name: Span<UInt8>, _ value: Span<UInt8>) -> Bool = { name, _ in
      Environment.interprets(name)
    }
  ) -> Environment.Variable? {
    string.withBytes { bytes in
      guard let end = bytes.indices.first(where: { bytes[$0] == UInt8(ascii: "=") }),
        isWanted(bytes.extracting(..<end), bytes.extracting((end + 1)...))
      else { return nil }
      return Environment.Variable(
        name: String(decoding: copy(bytes.extracting(..<end)), as: UTF8.self),
        value: ByteString(copy(bytes.extracting((end + 1)...))))
    }
  }

  private func copy(_ bytes: Span<UInt8>) -> [UInt8] {
    unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
  }

  /// Whether a variable is set and not empty.
  ///
  /// The first one of that name counts.
  private func isNonEmpty(_ name: String) -> Bool {
    for string in strings where string.withBytes({ $0.assigns(name) }) {
      return string.withBytes { $0.count > name.utf8.count + 1 }
    }
    return false
  }

  /// The strings without the changed variables, and their new values at the end.
  func applying(_ changes: [EnvironmentChange]) -> ExecStrings {
    let kept = strings.filter { string in
      string.withBytes { bytes in !changes.contains { bytes.assigns($0.name) } }
    }
    let added = changes.compactMap { change -> CString? in
      let name = ByteString(change.name + "=")
      switch change.value {
      case .text(let value): return CString(copying: name + value)
      case .secret(let secret): return CString(copying: name + ByteString(secret.revealedBytes))
      case .removed: return nil
      }
    }
    return ExecStrings(kept + added)
  }
}

extension Span where Element == UInt8 {
  /// Whether the bytes are "NAME=value" with this name.
  fileprivate func assigns(_ name: String) -> Bool {
    let length = name.utf8.count
    return count > length && self[length] == UInt8(ascii: "=") && begins(with: name)
  }
}
