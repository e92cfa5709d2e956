package import Text

/// The real, effective and saved id of a process (credentials(7)).
package struct ProcessIDs: Equatable, Sendable {
  /// Who started the process.
  package var real: UInt32
  /// Whom the kernel takes it for.
  package var effective: UInt32
  /// What it could go back to.
  package var saved: UInt32

  package init(real: UInt32, effective: UInt32, saved: UInt32) {
    self.real = real
    self.effective = effective
    self.saved = saved
  }

  /// All three the same.
  package init(_ id: UInt32) {
    self.init(real: id, effective: id, saved: id)
  }

  /// Whether any of the three is root's.
  package var includesRoot: Bool { real == 0 || effective == 0 || saved == 0 }

  /// Whether the process looks like one user and can be root again, or the other way round: a
  /// set-user-ID program has run, or a drop that was not for good.
  package var isHalfRoot: Bool { includesRoot && self != ProcessIDs(0) }

  /// "0/1337/1337".
  var description: String { "\(real)/\(effective)/\(saved)" }
}

/// The securebits that matter here (capabilities(7), "The securebits flags").
package struct Securebits: OptionSet, Hashable, Sendable {
  /// The bits as PR_GET_SECUREBITS(2const) returns them.
  package let rawValue: UInt32

  /// Creates flags from the kernel's bits.
  package init(rawValue: UInt32) {
    self.rawValue = rawValue
  }

  /// Root gets no capabilities for being root.
  package static let noRoot = Securebits(rawValue: 1 << 0)
  /// A change of user ids leaves capabilities as they are.
  package static let noSetuidFixup = Securebits(rawValue: 1 << 2)
  /// The permitted set survives the change from root to another user; cleared by exec.
  package static let keepCapabilities = Securebits(rawValue: 1 << 4)
  /// Ambient capabilities cannot be raised.
  package static let noAmbientRaise = Securebits(rawValue: 1 << 6)
}

/// Who a thread is and what it may do: everything the kernel looks at when it execs or binds
/// (credentials(7), capabilities(7)).
package struct Credentials: Equatable, Sendable {
  /// The user ids.
  package var user: ProcessIDs
  /// The group ids.
  package var group: ProcessIDs
  /// The supplementary groups, sorted.
  package var groups: [UInt32]
  /// What the thread may make effective.
  package var permitted: CapabilitySet
  /// What the kernel checks.
  package var effective: CapabilitySet
  /// What an exec keeps, of files that say so too.
  package var inheritable: CapabilitySet
  /// What an exec keeps, of files without capabilities.
  package var ambient: CapabilitySet
  /// The limit of what an exec can give.
  package var bounding: CapabilitySet
  /// No exec can give more than there is before (PR_SET_NO_NEW_PRIVS(2const)).
  package var noNewPrivileges: Bool
  /// How the kernel treats root, and changes of users.
  package var securebits: Securebits
  /// Whether the kernel has ambient capabilities at all: Linux since 4.3, but not gVisor.
  package var canHaveAmbient = true

  /// Omitted values are empty or off.
  package init(
    user: ProcessIDs,
    group: ProcessIDs,
    groups: [UInt32] = [],
    permitted: CapabilitySet = [],
    effective: CapabilitySet = [],
    inheritable: CapabilitySet = [],
    ambient: CapabilitySet = [],
    bounding: CapabilitySet = [],
    noNewPrivileges: Bool = false,
    securebits: Securebits = []
  ) {
    self.user = user
    self.group = group
    self.groups = groups
    self.permitted = permitted
    self.effective = effective
    self.inheritable = inheritable
    self.ambient = ambient
    self.bounding = bounding
    self.noNewPrivileges = noNewPrivileges
    self.securebits = securebits
  }
}

extension Credentials {
  /// What differs in `found`, one phrase for each: "permitted is cap_net_raw, planned was none".
  package func differences(to found: Credentials, names: CapabilityNames) -> [String] {
    let aspects: [(String, (Credentials) -> String)] = [
      ("uid (real/effective/saved)", { $0.user.description }),
      ("gid (real/effective/saved)", { $0.group.description }),
      ("groups", { $0.groups.map { String($0) }.joined(separator: ",") }),
      ("permitted", { names.text(of: $0.permitted) }),
      ("effective", { names.text(of: $0.effective) }),
      ("inheritable", { names.text(of: $0.inheritable) }),
      ("ambient", { names.text(of: $0.ambient) }),
      ("bounding", { names.text(of: $0.bounding) }),
      ("no_new_privs", { $0.noNewPrivileges ? "on" : "off" }),
      ("securebits", { String($0.securebits.rawValue, radix: 16) }),
    ]
    return aspects.compactMap { name, value in
      value(self) == value(found) ? nil : "\(name) is \(value(found)), planned was \(value(self))"
    }
  }
}

extension Credentials {
  /// Why a process with these ids is not started from; nil where each is one user's and one group's.
  ///
  /// Every rule of a plan asks who the process is, and there would be two answers: with the real uid 0
  /// the next exec hands out root's capabilities (capabilities(7)), whatever the effective uid is.
  package var halfRoot: StartFailure? {
    let kinds = [("uid", user), ("gid", group)].filter { $0.1.isHalfRoot }
    guard !kinds.isEmpty else { return nil }
    return StartFailure(
      status: ExitStatus.notPermitted,
      what: "this process is partly root: "
        + kinds.map { "its \($0) (real/effective/saved) is \($1.description)" }
        .joined(separator: ", "),
      why:
        "it, or a program that it starts, could become root again: no drop would be safe",
      waysOut: [
        "remove the set-user-ID and set-group-ID bits of entrypoint: chmod ug-s",
        "start it as root (docker run --user 0) or as another user (--user 1337), not through a program"
          + " that changes only the effective id",
      ])
  }
}
