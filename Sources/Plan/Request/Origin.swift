import Text

/// Where something that is asked of a start comes from.
package enum Origin: Equatable, Sendable {
  /// An option; with its value where it can be given more than once.
  case option(String, value: String? = nil)
  /// A variable of the environment.
  case variable(String)
  /// The command itself: it has a user of its own where root starts it.
  case command(String)

  /// As messages name it: "--cap net_raw", "SET_CAP_NET_RAW", "kong reload, started as root".
  package var description: String {
    switch self {
    case .option(let name, nil): name
    case .option(let name, let value?): "\(name) \(ByteString(value))"
    case .variable(let name): name
    case .command(let command): "\(command), started as root"
    }
  }
}
