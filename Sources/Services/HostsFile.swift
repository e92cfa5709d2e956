package import Text

/// The names in /etc/hosts (hosts(5)).
package enum HostsFile {
  /// The addresses that lines of the file give to a name, in their order.
  package static func addresses(of name: ByteString, in file: [UInt8]) -> [IPAddress] {
    var addresses: [IPAddress] = []
    for line in file.split(separator: UInt8(ascii: "\n")) {
      let words = line.prefix { $0 != UInt8(ascii: "#") }.split(whereSeparator: isLuaBlank)
      guard let first = words.first, words.dropFirst().contains(where: { $0.isName(name) }),
        let address = IPAddress(first), !addresses.contains(address)
      else { continue }
      addresses.append(address)
    }
    return addresses
  }
}

extension ArraySlice<UInt8> {
  /// Whether it is this name, in any case.
  fileprivate func isName(_ name: ByteString) -> Bool {
    lazy.map { lowercased($0) }.elementsEqual(name.bytes.lazy.map { lowercased($0) })
  }
}
