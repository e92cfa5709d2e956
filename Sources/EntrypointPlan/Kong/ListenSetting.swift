/// The value of a `*_listen` setting of Kong: a comma-separated list of listeners, or "off".
///
/// The grammar is the union of what Kong 1.0 to 3.9 accepts in any of its settings; whether a flag
/// goes with the setting and the version is Kong's own to judge, in `kong prepare`.
public enum ListenSetting {
  /// Parses the value of one variable.
  ///
  /// - Parameters:
  ///   - value: such as "0.0.0.0:80, [::]:443 ssl http2". Empty counts as not set, as in Kong.
  ///   - source: the variable, for messages and as each listener's source.
  /// - Returns: the listeners in order; none if the first entry is "off", or if the value is a
  ///   reference to a vault, so that nobody but Kong can know them.
  /// - Throws: ``StartFailure`` that names the variable, the entry and what was expected.
  public static func parse(_ value: ByteString, source: String) throws(StartFailure) -> [Listener] {
    if value.bytes.allSatisfy(isLuaBlank) || isVaultReference(value) { return [] }
    var entries = value.bytes.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    // A comma at the end separates nothing.
    if entries.count > 1, entries.last?.allSatisfy(isLuaBlank) == true { entries.removeLast() }
    if entries.first.map(luaTrimmed)?.elementsEqual("off".utf8) == true { return [] }

    var listeners: [Listener] = []
    listeners.reserveCapacity(entries.count)
    for (index, entry) in entries.enumerated() {
      switch parseEntry(entry) {
      case .success(let (address, flags)):
        listeners.append(Listener(source: source, address: address, flags: flags))
      case .failure(let fault):
        throw failure(
          fault, source: source, number: index + 1, entry: ByteString(Array(luaTrimmed(entry))))
      }
    }
    return listeners
  }

  /// Whether the value is a reference that Kong resolves itself, such as "{vault://env/listen}".
  ///
  /// As in Kong (kong/pdk/vault.lua, `is_reference`), all of the value is one, or nothing of it.
  public static func isVaultReference(_ value: ByteString) -> Bool {
    let bytes = luaTrimmed(value.bytes[...])
    return bytes.starts(with: "{vault://".utf8) && bytes.last == UInt8(ascii: "}")
  }

  /// What to say of a value that is a reference to a vault; nil where it is none.
  public static func warning(of value: ByteString, source: String) -> Explanation? {
    guard isVaultReference(value) else { return nil }
    return Explanation(
      what: "the listeners of \(source) are not known before kong prepare has run",
      why: "its value is a reference to a vault, which Kong resolves itself",
      waysOut: [
        "if one of them has a port below net.ipv4.ip_unprivileged_port_start, ask for its"
          + " capability: --cap net_bind_service, or SET_CAP_NET_BIND_SERVICE=1",
        "write the listeners into \(source) itself",
      ])
  }

  /// What is wrong with an entry.
  enum Fault: Error, Equatable {
    case empty
    case notUTF8
    case noAddress
    case twoAddresses(String)
    case noPort(String)
    case port(String)
    case ipv4(String)
    case ipv6(String)
    case name(String)
    case flag(String)
  }

  private static func parseEntry(
    _ entry: ArraySlice<UInt8>
  ) -> Result<(ListenAddress, [String]), Fault> {
    var address: ListenAddress?
    var flags: [String] = []
    var badWord: String?
    // As in Kong, the flags are taken out wherever they stand; what is left is the address.
    for word in entry.split(whereSeparator: isLuaBlank) {
      guard let text = ByteString.text(of: word) else { return .failure(.notUTF8) }
      if ListenFlag.isFlag(text) {
        flags.append(text)
      } else if address == nil, ListenFlag.looksLikeAddress(text) {
        switch ListenAddress.parse(text) {
        case .success(let parsed): address = parsed
        case .failure(let fault): return .failure(fault)
        }
      } else if badWord == nil {
        badWord = text
      }
    }
    if let badWord {
      guard address != nil else { return .failure(.noPort(badWord)) }
      return .failure(
        ListenFlag.looksLikeAddress(badWord) ? .twoAddresses(badWord) : .flag(badWord))
    }
    guard let address else { return .failure(flags.isEmpty ? .empty : .noAddress) }
    return .success((address, flags))
  }

  private static func failure(
    _ fault: Fault, source: String, number: Int, entry: ByteString
  ) -> StartFailure {
    StartFailure(
      status: ExitStatus.configuration,
      what: "\(source): entry \(number), \"\(entry)\", is not a listener",
      why: fault.reason,
      waysOut: [
        "write each entry as ADDRESS:PORT and flags, for example \"0.0.0.0:8000\" or"
          + " \"[::]:8443 ssl http2\", with commas between the entries",
        "write \"off\" as the only entry for no listener at all",
      ]
    )
  }
}

extension ListenSetting.Fault {
  /// The fault in words, for a person who knows Kong's documentation.
  var reason: String {
    switch self {
    case .empty: "there is nothing between two commas"
    case .notUTF8: "it has bytes that are not UTF-8"
    case .noAddress: "it has flags only; expected ADDRESS:PORT before them"
    case .twoAddresses(let word):
      "a second address, \"\(ByteString(word))\", follows; expected a comma before it"
    case .noPort(let word): "\"\(ByteString(word))\" has no port; expected ADDRESS:PORT"
    case .port(let port): "\"\(ByteString(port))\" is not a port; expected a number from 0 to 65535"
    case .ipv4(let host):
      "\"\(ByteString(host))\" is not an IPv4 address; expected four numbers from 0 to 255"
    case .ipv6(let host):
      "\"\(ByteString(host))\" is not an IPv6 address; expected one such as [::1], in brackets"
    case .name(let host):
      "\"\(ByteString(host))\" is not a host name; expected letters, digits, \"-\", \"_\" and \".\", or \"*\""
    case .flag(let word):
      "\"\(ByteString(word))\" is not a flag; expected one of \(ListenFlag.usage)"
    }
  }
}
