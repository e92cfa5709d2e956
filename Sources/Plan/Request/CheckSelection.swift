import Kong
import Text

/// A check of what would keep Kong from being reached, or end it later.
package enum CheckName: String, Choice, Sendable {
  /// The nginx that runs differs from the plan.
  case running
  /// An address that a listener names is not here.
  case address
  /// A rule on the host's network takes connections away from a listener.
  case hostportHijack = "hostport-hijack"
  /// Another process has a listener's port.
  case portTaken = "port-taken"
  /// Another process of the user shares a listener's port.
  case portShared = "port-shared"
  /// A file that a setting names, and that Kong's user cannot read.
  case unreadable
  /// A name of the cluster that the pod cannot resolve.
  case clusterDNS = "cluster-dns"
  /// A time zone that the image has not.
  case timeZone = "time-zone"
  /// A limit of open files that is lower than what nginx sets.
  case openFiles = "open-files"
  /// Far more workers than processors that nginx may use.
  case workers
  /// A memory limit that is lower than what Kong can come to use.
  case memory
  /// A file system of the prefix that Kong cannot write to, or hardly.
  case prefix
}

/// Which checks ENTRYPOINT_CHECKS leaves.
package struct CheckSelection: Equatable, Sendable {
  /// Those that are made.
  package private(set) var names = CheckName.allCases

  /// All of them.
  package init() {}

  /// Reads the variable: "on", "off", or a list of those that are left out, "-NAME,-NAME".
  ///
  /// - Throws: ``StartFailure`` for anything else.
  init(_ environment: Environment) throws(StartFailure) {
    guard let value = environment.nonEmpty(CheckSelection.variable) else { return }
    if let choice = OnOff(named: value) {
      if choice == .off { names = [] }
      return
    }
    for word in value.bytes.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
      let name = CheckName(named: ByteString(Array(word.dropFirst())))
      guard word.first == UInt8(ascii: "-"), let name else {
        throw CheckSelection.failure(value)
      }
      names.removeAll { $0 == name }
    }
  }

  private static let variable = "ENTRYPOINT_CHECKS"

  private static func failure(_ value: ByteString) -> StartFailure {
    let names = CheckName.words.map { "-" + $0 }.joined(separator: ", ")
    return StartFailure(
      status: ExitStatus.configuration, what: "\(variable) is \"\(value)\"",
      why:
        "it must be off or on, or a list, separated by commas, of the checks to leave out: \(names)",
      waysOut: ["set it to one of these", "unset it for all checks"])
  }
}
