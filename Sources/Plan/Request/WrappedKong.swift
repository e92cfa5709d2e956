import Kong
import Text

/// A command of Kong's that does not begin with the word `kong`: `sh -c "kong docker-start"`,
/// `env A=b kong reload`, `/usr/local/bin/kong start`.
///
/// It is run unchanged, as in Kong's images: nothing is done for it that is done for `kong`.
struct WrappedKong: Equatable {
  /// The first word of the command, such as "sh".
  var program: ByteString
  /// Kong's words as they would begin a command, such as "kong docker-start --vv"; what a shell would
  /// have to expand is left out.
  var command: String

  /// Whether it is `kong docker-start`, which Kong itself does not know.
  var isDockerStart: Bool { command.hasPrefix("kong docker-start") }

  /// Finds Kong's command in another one; nil where there is none.
  ///
  /// Only programs count that start others, and only those of Kong's commands that read its settings:
  /// `gosu kong nginx` is none.
  init?(_ words: [ByteString]) {
    guard let program = words.first else { return nil }
    let isKong = program.bytes.suffix(5).elementsEqual("/kong".utf8)
    guard isKong || WrappedKong.programs.contains(WrappedKong.name(of: program)) else { return nil }
    let tokens = isKong ? words : words.dropFirst().flatMap { WrappedKong.tokens(of: $0) }
    for index in tokens.indices.dropLast()
    where WrappedKong.name(of: tokens[index]) == "kong"
      && WrappedKong.commands.contains(tokens[index + 1])
    {
      self.program = program
      command = WrappedKong.text(of: tokens[(index + 1)...])
      return
    }
    return nil
  }

  /// Programs that start another, whose words follow theirs or stand in one of them.
  private static let programs: [ByteString] = [
    "ash", "bash", "busybox", "catatonit", "chpst", "dash", "dumb-init", "env", "gosu", "ksh",
    "nice",
    "nohup", "setpriv", "setsid", "sh", "stdbuf", "su", "su-exec", "sudo", "timeout", "tini", "zsh",
  ]

  /// Those of Kong's commands that read its settings.
  private static let commands: [ByteString] = [
    "check", "config", "docker-start", "health", "hybrid", "migrations", "prepare", "quit",
    "reload",
    "restart", "start", "stop", "vault",
  ]

  /// What ends a command of a shell, as a token of its own.
  private static let end: ByteString = ";"

  private static func name(of program: ByteString) -> ByteString {
    let slash = program.bytes.lastIndex(of: UInt8(ascii: "/"))
    return slash.map { ByteString(Array(program.bytes[($0 + 1)...])) } ?? program
  }

  /// The words of a shell's text, as far as blanks and marks tell them.
  private static func tokens(of word: ByteString) -> [ByteString] {
    var tokens: [ByteString] = []
    var rest = word.bytes[...]
    while let first = rest.first {
      if " \t\r\n;&|()<>{}`".utf8.contains(first) {
        if first != UInt8(ascii: " "), first != UInt8(ascii: "\t") { tokens.append(end) }
        rest = rest.dropFirst()
      } else {
        let token = rest.prefix { !" \t\r\n;&|()<>{}`".utf8.contains($0) }
        tokens.append(ByteString(Array(token)))
        rest = rest[token.endIndex...]
      }
    }
    // What follows in another argument is no part of this text's last command.
    return tokens.count > 1 ? tokens + [end] : tokens
  }

  private static func text(of words: ArraySlice<ByteString>) -> String {
    var text = "kong"
    for word in words.prefix(while: { $0 != end }) {
      guard !word.bytes.contains(where: { "$'\"\\*?[~#".utf8.contains($0) }) else {
        return text + " ..."
      }
      text += " \(word)"
    }
    return text
  }
}

extension WrappedKong {
  /// Warns of what the image's user most likely expects of the command, and does not get.
  ///
  /// - Parameter secrets: the variables KONG_X_FILE that are set.
  func warnings(secrets: [String]) -> [Explanation] {
    var warnings: [Explanation] = []
    // Of a path of Kong's the planner says so, with the user that it runs as.
    if isDockerStart, WrappedKong.name(of: program) != "kong" {
      warnings.append(
        Explanation(
          what: "\(program) runs unchanged: nothing is prepared, granted or dropped for \(command)",
          why:
            "only a command that begins with the words kong docker-start is a start of Kong; Kong itself"
            + " has no such command",
          waysOut: waysOut))
    }
    if !secrets.isEmpty {
      warnings.append(
        Explanation(
          what:
            "\(secrets.joined(separator: ", ")): passed on unread, so \(command) does not get what"
            + " is in the file",
          why:
            "files are read for a command that begins with the word kong, and this one begins with"
            + " \(program)",
          waysOut: waysOut))
    }
    return warnings
  }

  private var waysOut: [String] {
    let plain = "leave out \(program), and write the command: \(command)"
    return WrappedKong.name(of: program) == "kong"
      ? ["write: \(command), and put the directory of kong on PATH"]
      : [plain, "if \(program) has to run something first: exec entrypoint \(command)"]
  }
}

extension Environment {
  /// The variables KONG_X_FILE that are set and name a secret's file, as far as that is known without
  /// Kong's list of options.
  var namesOfSecretFiles: [String] {
    // The one option of Kong's that ends so (3.9), but for those that begin with KONG_NGINX_.
    let option = "KONG_RESOLVER_HOSTS_FILE"
    return variables.compactMap { variable in
      guard !variable.value.isEmpty, Environment.mayNameSecretFile(variable.name),
        !variable.name.hasPrefix("KONG_NGINX_"), variable.name != option
      else { return nil }
      return variable.name
    }
  }
}
