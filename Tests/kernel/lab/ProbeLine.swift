import Capabilities

extension Answer.Outcome {
  /// Reads the probe's line, or the errno of a failed exec; nil if it is neither.
  init?(_ text: String) {
    let words = text.split { $0 == " " || $0 == "\n" }
    if words.first == "execFailed", words.count == 2, let reason = CInt(words[1]) {
      self = .failed(errno: reason)
      return
    }
    var fields: [Substring: Substring] = [:]
    for word in words.dropFirst() {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { return nil }
      fields[parts[0]] = parts[1]
    }
    guard
      let credentials = Credentials(fields), let secureExecution = fields["secure_execution"],
      let dumpable = fields["dumpable"]
    else { return nil }
    self = .runs(credentials, secureExecution: secureExecution == "1", dumpable: dumpable == "1")
  }
}

extension Credentials {
  fileprivate init?(_ fields: [Substring: Substring]) {
    let ids = { (name: Substring) in
      let numbers = fields[name]?.split(separator: "/").compactMap { UInt32($0) } ?? []
      return numbers.count == 3
        ? ProcessIDs(real: numbers[0], effective: numbers[1], saved: numbers[2]) : nil
    }
    let set = { (name: Substring) in
      fields[name].flatMap { UInt64($0, radix: 16) }.map(CapabilitySet.init(rawValue:))
    }
    guard
      let user = ids("uid"), let group = ids("gid"), let groups = fields["groups"],
      let permitted = set("permitted"), let effective = set("effective"),
      let inheritable = set("inheritable"), let ambient = set("ambient"),
      let bounding = set("bounding"), let noNewPrivileges = fields["no_new_privs"],
      let securebits = fields["securebits"].flatMap({ UInt32($0, radix: 16) })
    else { return nil }
    self.init(
      user: user, group: group,
      groups: groups.split(separator: ",").compactMap { UInt32($0) }.sorted(),
      permitted: permitted, effective: effective, inheritable: inheritable, ambient: ambient,
      bounding: bounding, noNewPrivileges: noNewPrivileges == "1",
      securebits: Securebits(rawValue: securebits))
  }
}
