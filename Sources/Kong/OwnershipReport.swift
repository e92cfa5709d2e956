package import Capabilities
package import Text

/// The result of giving a prefix to its user.
package struct OwnershipReport: Equatable, Sendable {
  /// Why an entry is not the user's and was left so, or was not looked into.
  package enum Reason: Equatable, Sendable {
    /// It has other names, perhaps outside the prefix.
    case hardLink
    /// It is a block or character device.
    case device
    /// It is this other user's, in a directory that the user could have moved it to.
    case foreign(UInt32)
    /// It is on a read-only mount.
    case readOnly
    /// What is in a directory that could not be read to its end; with errno(3) in words. The
    /// directory itself is given.
    case unreadable(String)
    /// It lies below more directories than are held open at once.
    case tooDeep
    /// It was exchanged for something else while it was looked at.
    case replaced
    /// The kernel refused to change its owner; with errno(3) in words.
    case refused(String)
  }

  /// An entry that was left.
  package struct Exception: Equatable, Sendable {
    /// The full path.
    package var path: ByteString
    /// Why it was left.
    package var reason: Reason
  }

  /// How many entries were looked at, the prefix among them.
  package var examined = 0
  /// How many got another owner.
  package var changed = 0
  /// The entries that were left; those refused by the kernel not among them.
  package private(set) var left = FirstOfMany<Exception>()
  /// The entries whose change the kernel refused.
  package private(set) var refused = FirstOfMany<Exception>()

  /// Nothing has been looked at yet.
  package init() {}

  /// Whether all that was looked at is the user's.
  package var isComplete: Bool { left.isEmpty && refused.isEmpty }

  /// Counts an entry that was left.
  package mutating func leave(_ path: ByteString, _ reason: Reason) {
    if case .refused = reason {
      refused.append(Exception(path: path, reason: reason))
    } else {
      left.append(Exception(path: path, reason: reason))
    }
  }
}

extension OwnershipReport {
  /// Warnings about entries that were not given; none if everything is the user's.
  ///
  /// - Parameters:
  ///   - prefix: the prefix.
  ///   - user: the user's name or number.
  ///   - held: the capabilities with which it was given: what is held need not be added.
  package func warnings(
    prefix: Prefix, user: String, held: CapabilitySet
  ) -> [Explanation] {
    var warnings: [Explanation] = []
    if let first = refused.shown.first {
      warnings.append(
        Explanation(
          what: "\(entries(refused.count)) in \(prefix.path) cannot be given to \(user)",
          why: "\(first.path): \(first.reason.text)" + OwnershipReport.whoElseRefuses(held),
          waysOut: OwnershipReport.waysPastRefusal(held, user: user) + [
            "change their owner in the image or on the volume: chown -R \(user):0 \(prefix.path)",
            "name another directory with KONG_PREFIX",
          ]))
    }
    if !left.isEmpty {
      warnings.append(
        Explanation(
          what: "not given to \(user): \(left.listed { $0.name })", why: reasons,
          waysOut: (left.shown.contains(where: { $0.isUnread })
            ? OwnershipReport.waysPastRefusal(held.union(CapabilitySet(.chown)), user: user) : [])
            + waysToGive(user)))
    }
    return warnings
  }

  /// The ways to a prefix that can be written, where the image's cannot.
  package static let waysOutOfReadOnly = [
    "docker run --env KONG_PREFIX=/kong_prefix --tmpfs /kong_prefix",
    "Kubernetes: KONG_PREFIX=/kong_prefix, and a volume of type emptyDir mounted there",
  ]

  private func waysToGive(_ user: String) -> [String] {
    let general = "move what is not Kong's out of the prefix, or give it to \(user) yourself"
    guard let foreign = left.shown.first(where: { $0.isForeign }) else { return [general] }
    return [
      general + ": as root, in the container or on the volume, chown -hR \(user):0 \(foreign.path)",
      "in a Dockerfile: COPY --chown=\(user):0",
    ]
  }

  /// What root needs to look at everything and to give it away.
  private static let needed: [(Capability, String)] = [
    (.chown, "CHOWN"), (.dacOverride, "DAC_OVERRIDE"),
  ]

  private static func lacking(_ held: CapabilitySet) -> [String] {
    needed.filter { !held.contains($0.0) }.map { $0.1 }
  }

  private static func whoElseRefuses(_ held: CapabilitySet) -> String {
    lacking(held).isEmpty
      ? ", though this process has the capabilities for it: an NFS server maps root to nobody"
        + " (root_squash), or the owner has no id in this user namespace, or a security module or seccomp"
        + " profile forbids it" : ""
  }

  private static func waysPastRefusal(_ held: CapabilitySet, user: String) -> [String] {
    let lacking = lacking(held)
    if lacking.isEmpty {
      return [
        "on NFS: chown -R \(user):0 on the server, or no_root_squash in its exports",
        "elsewhere: change the owner from outside the container, where the owner has an id",
      ]
    }
    return [
      "docker run " + lacking.map { "--cap-add \($0)" }.joined(separator: " ")
        + "; Kubernetes: the same in capabilities.add, or fsGroup: 0 on the volume"
    ]
  }

  /// Each reason of the entries shown, once.
  private var reasons: String {
    var texts: [String] = []
    for entry in left.shown where !texts.contains(entry.reason.text) {
      texts.append(entry.reason.text)
    }
    return texts.joined(separator: "; ")
  }

  private func entries(_ count: Int) -> String {
    count == 1 ? "1 entry" : "\(count) entries"
  }
}

extension OwnershipReport.Exception {
  fileprivate var isUnread: Bool {
    if case .unreadable = reason { true } else { false }
  }

  fileprivate var isForeign: Bool {
    if case .foreign = reason { true } else { false }
  }

  fileprivate var name: String { isUnread ? "the contents of \(path)" : path.description }
}

extension OwnershipReport.Reason {
  /// The reason in words.
  package var text: String {
    switch self {
    case .hardLink: "another owner's file with a second name, perhaps outside the prefix"
    case .device: "a device"
    case .foreign(let owner): "of uid \(owner), and the user could have moved it there"
    case .readOnly: "on a read-only mount"
    case .unreadable(let reason): "a directory that cannot be read (\(reason))"
    case .tooDeep: "in too many nested directories"
    case .replaced: "replaced while it was examined"
    case .refused(let reason): "chown was refused (\(reason))"
    }
  }
}
