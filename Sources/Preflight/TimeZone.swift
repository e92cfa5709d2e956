import Nginx
package import Text

/// What a program sees of the container's time zone.
package struct TimeZoneState: Equatable, Sendable {
  /// The variable TZ; nil if it is unset.
  package var variable: ByteString?
  /// Whether the file is there that TZ names, in a directory of zones or by its path.
  package var hasFile: Bool
  /// Where /etc/localtime leads, if it is a link to something that is not there; nil otherwise.
  package var danglingLink: ByteString?

  /// The directories of zones that C libraries look into: glibc into the first, musl into all.
  package static let directories: [ByteString] = [
    "/usr/share/zoneinfo", "/share/zoneinfo", "/etc/zoneinfo",
  ]
  /// Where the time zone is without TZ.
  package static let localTime: ByteString = "/etc/localtime"

  /// Describes what is there.
  package init(variable: ByteString?, hasFile: Bool = false, danglingLink: ByteString? = nil) {
    self.variable = variable
    self.hasFile = hasFile
    self.danglingLink = danglingLink
  }

  /// The files that TZ can name, of which one must be there; none if it names none (tzset(3)).
  package static func files(of variable: ByteString) -> [ByteString] {
    let name = TimeZoneState.name(in: variable)
    if name.isEmpty { return [] }
    return name.bytes.first == UInt8(ascii: "/") ? [name] : directories.map { $0 + "/" + name }
  }

  /// A colon before the name means nothing.
  private static func name(in variable: ByteString) -> ByteString {
    variable.bytes.first == UInt8(ascii: ":")
      ? ByteString(Array(variable.bytes.dropFirst())) : variable
  }

  /// Whether times are those of UTC without a file: TZ says so, or it has the form of POSIX.
  fileprivate var needsNoFile: Bool {
    guard let variable else { return true }
    let name = TimeZoneState.name(in: variable)
    return name.isEmpty || TimeZoneState.namesOfUTC.contains { name.bytes.equals($0) }
      || POSIXTimeZone.hasOffset(name.bytes[...])
  }

  private static let namesOfUTC = [
    "UTC", "GMT", "UCT", "Universal", "Zulu", "Greenwich", "GMT0", "Etc/UTC", "Etc/GMT", "Etc/UCT",
    "Etc/Universal", "Etc/Zulu",
  ]
}

/// The check `time-zone`.
package enum TimeZoneCheck {
  /// Decides.
  package static func verdict(_ state: TimeZoneState) -> Finding.Verdict {
    if let variable = state.variable, !variable.isEmpty {
      return state.hasFile || state.needsNoFile ? .passed : .warning(unknown(variable))
    }
    // An empty TZ is UTC, whatever /etc/localtime says.
    guard state.variable == nil, let link = state.danglingLink else { return .passed }
    return .warning(dangling(link))
  }

  private static func unknown(_ variable: ByteString) -> Explanation {
    Explanation(
      what: "times are in UTC, though TZ is \(variable.shortened)",
      why: "the image has no such file in /usr/share/zoneinfo, and the C library does not report"
        + " it",
      waysOut: [
        "if it is misspelt, correct it: TZ=Europe/Berlin",
        "in the Dockerfile: install the package tzdata",
      ] + waysOut)
  }

  private static func dangling(_ link: ByteString) -> Explanation {
    Explanation(
      what: "times are in UTC, though /etc/localtime is a link to a time zone",
      why: "\(link.shortened), where the link leads, does not exist, and the C library does not"
        + " report it",
      waysOut: [
        "in the Dockerfile: install the package tzdata",
        "Kubernetes: mount the node's /usr/share/zoneinfo, or the file itself and not the link: the kubelet"
          + " follows a link of the node's, but the image's own link stays",
      ] + waysOut.suffix(1))
  }

  private static let waysOut = [
    "Kubernetes: mount the node's /usr/share/zoneinfo (hostPath, readOnly)",
    "a TZ in the form of POSIX needs no file: TZ=CET-1CEST,M3.5.0,M10.5.0/3",
  ]
}

/// The form of TZ that needs no file: "CET-1CEST,M3.5.0,M10.5.0/3" (POSIX, "Other Environment Variables").
enum POSIXTimeZone {
  /// Whether a C library finds an offset from UTC in the text.
  ///
  /// What follows the first offset is not judged: without a valid rule there is no summer time, but times are
  /// not those of UTC.
  static func hasOffset(_ text: ArraySlice<UInt8>) -> Bool {
    let isQuoted = text.first == UInt8(ascii: "<")
    let name = (isQuoted ? text.dropFirst() : text).prefix {
      isLetter($0)
        || isQuoted && (isDigit($0) || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-"))
    }
    guard name.count >= 3 else { return false }
    var rest = text[name.endIndex...]
    if isQuoted {
      guard rest.first == UInt8(ascii: ">") else { return false }
      rest = rest.dropFirst()
    }
    if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") {
      rest = rest.dropFirst()
    }
    return rest.first.map(isDigit) ?? false
  }
}
