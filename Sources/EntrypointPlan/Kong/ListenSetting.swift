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
  ///   - isSecret: whether a message must not show what the value is.
  /// - Returns: the listeners in order; none if the first entry is "off", or if the value is a
  ///   reference to a vault, so that nobody but Kong can know them.
  /// - Throws: ``StartFailure`` that names the variable, the entry and what was expected.
  public static func parse(
    _ value: ByteString, source: String, isSecret: Bool = false
  ) throws(StartFailure) -> [Listener] {
    if value.bytes.allSatisfy(isLuaBlank) || isVaultReference(value) { return [] }
    var entries = value.bytes.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    // A comma at the end separates nothing.
    if entries.count > 1, entries.last?.allSatisfy(isLuaBlank) == true { entries.removeLast() }
    if entries.first.map(luaTrimmed)?.elementsEqual("off".utf8) == true { return [] }

    var listeners: [Listener] = []
    listeners.reserveCapacity(entries.count)
    for (index, entry) in entries.enumerated() {
      do throws(Fault) {
        listeners.append(try listener(entry, source: source))
      } catch {
        let text = isSecret ? "" : ", \"\(ByteString(Array(luaTrimmed(entry))))\","
        throw error.failure(of: "\(source): entry \(index + 1)\(text)", isSecret: isSecret)
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

  private static func listener(
    _ entry: ArraySlice<UInt8>, source: String
  ) throws(Fault) -> Listener {
    var address: ListenAddress?
    var flags: [String] = []
    var badWord: String?
    // As in Kong, the flags are taken out wherever they stand; what is left is the address.
    for word in entry.split(whereSeparator: isLuaBlank) {
      guard let text = ByteString.text(of: word) else { throw .notUTF8 }
      if ListenFlag.isFlag(text) {
        flags.append(text)
      } else if address == nil, ListenFlag.looksLikeAddress(text) {
        do throws(Fault) { address = try .parse(text) } catch { throw .common(text) ?? error }
      } else if badWord == nil {
        badWord = text
      }
    }
    if let badWord {
      guard address != nil else { throw .common(badWord) ?? .noPort(badWord) }
      throw ListenFlag.looksLikeAddress(badWord) ? .secondAddress(badWord) : .flag(badWord)
    }
    guard let address else { throw flags.isEmpty ? .empty : .noAddress }
    return Listener(source: source, address: address, flags: flags)
  }
}

extension ListenSetting {
  /// What is wrong with an entry, for a person who knows Kong's documentation.
  struct Fault: Error, Equatable {
    /// The word that is wrong; nil where it is the entry.
    private var word: String?
    /// What it breaks, without its text: a file that was not meant may have a secret in it.
    private var rule: String
    /// The way out beside that of all faults, which may have the text in it.
    private var wayOut: String?

    private init(_ word: String? = nil, rule: String, wayOut: String? = nil) {
      (self.word, self.rule, self.wayOut) = (word, rule, wayOut)
    }

    private static let writeOff = "write \"off\" as the only entry for no listener at all"

    static let empty = Fault(rule: "there is nothing between two commas")
    static let notUTF8 = Fault(rule: "it has bytes that are not UTF-8")
    static let noAddress = Fault(
      rule: "it has flags only; flags are separated by blanks, and a comma begins a new listener")
    static func secondAddress(_ word: String) -> Fault {
      Fault(word, rule: "is a second address; expected a comma before it")
    }
    static func noPort(_ word: String) -> Fault {
      Fault(
        word, rule: "has no port; expected ADDRESS:PORT",
        wayOut: word.utf8.allSatisfy(isLetter) ? writeOff : nil)
    }
    static func port(_ digits: String) -> Fault {
      Fault(digits, rule: "is not a port; expected a number from 1 to 65535")
    }
    static func ipv4(_ host: String) -> Fault {
      Fault(host, rule: "is not an IPv4 address; expected four numbers from 0 to 255")
    }
    static func ipv6(_ word: String) -> Fault {
      Fault(word, rule: "is not an IPv6 address in brackets and a port, such as [::1]:8000")
    }
    static func name(_ host: String) -> Fault {
      Fault(
        host,
        rule: "is not a host name; expected letters, digits, \"-\", \"_\" and \".\", or \"*\"")
    }
    static func flag(_ word: String) -> Fault {
      Fault(word, rule: "is not a flag; expected one of \(ListenFlag.usage)")
    }

    /// The fault of a word that is no address, where it is one that is met often.
    static func common(_ word: String) -> Fault? {
      let bytes = word.utf8
      if bytes.contains(where: { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "'") }) {
        return Fault(
          rule:
            "the value itself has quotation marks, which env files and lists in compose files keep",
          wayOut: "write it without them")
      }
      if word.hasPrefix("{vault://") {
        return Fault(rule: "a reference to a vault must be the whole value")
      }
      if word.hasPrefix("unix:") { return Fault(rule: "Kong takes no unix: sockets here") }
      if word.lowercased() == "off" {
        return Fault(
          rule: "\"off\" is written in small letters, and as the only entry", wayOut: writeOff)
      }
      let digits = bytes.first == UInt8(ascii: ":") ? bytes.dropFirst() : bytes[...]
      return ListenAddress.port(digits).map { port in
        Fault(word, rule: "is a port without an address", wayOut: "write 0.0.0.0:\(port)")
      }
    }

    /// The fault as the end of a start.
    func failure(of entry: String, isSecret: Bool) -> StartFailure {
      let subject = word.map { isSecret ? "a word of it " : "\"\(ByteString($0))\" " } ?? ""
      let form =
        "write each entry as ADDRESS:PORT and flags, for example \"0.0.0.0:8000\" or"
        + " \"[::]:8443 ssl http2\", with commas between the entries"
      return StartFailure(
        status: ExitStatus.configuration, what: "\(entry) is not a listener",
        why: subject + rule, waysOut: (isSecret ? nil : wayOut).map { [$0, form] } ?? [form])
    }
  }
}
