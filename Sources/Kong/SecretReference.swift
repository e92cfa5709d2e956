package import Text

/// A file that holds the value of one of Kong's settings: what KONG_PG_PASSWORD_FILE names.
package struct SecretReference: Hashable, Sendable {
  /// The variable that gets the value: "KONG_PG_PASSWORD".
  package var variable: String
  /// The file.
  package var path: ByteString

  package init(variable: String, path: ByteString) {
    self.variable = variable
    self.path = path
  }

  /// The variable that names the file: "KONG_PG_PASSWORD_FILE".
  package var source: String { variable + "_FILE" }

  /// Whether root acts on the value itself, and does not only pass it on.
  package var steersRoot: Bool {
    variable == "KONG_PREFIX" || Environment.isListenSetting(variable)
  }

  /// How long "NAME=value" may be, in bytes with its NUL: MAX_ARG_STRLEN for pages of 4 KiB
  /// (execve(2), "Limits on size of arguments and environment").
  package static let longestVariable = 131_072

  /// The value that a file's contents stand for: all but the newlines at its end, as the shell's
  /// `$(<file)` has it.
  ///
  /// - Throws: ``StartFailure`` where no variable can have this value.
  package func secret(fromContents contents: [UInt8]) throws(StartFailure) -> Secret {
    let newline = UInt8(ascii: "\n")
    let end = contents.lastIndex { $0 != newline }.map { $0 + 1 } ?? 0
    let value = contents[..<end]
    if value.contains(0) {
      throw failure(
        why: "it contains a NUL byte, which no environment variable can contain (environ(7))",
        waysOut: ["encode the value, for example as base64 where Kong accepts that"])
    }
    guard variable.utf8.count + 1 + value.count + 1 <= SecretReference.longestVariable else {
      throw tooLong
    }
    return Secret(Array(value))
  }

  /// What is said of a file with more than a variable can have.
  package var tooLong: StartFailure {
    failure(
      why: "it is too long: \(variable)=VALUE can have \(SecretReference.longestVariable - 1) bytes"
        + " (execve(2), MAX_ARG_STRLEN)",
      waysOut: [
        "check the path", "where Kong accepts a path to the value, give it that instead",
      ])
  }

  /// A failure that names the variable and the file, and never what is in it.
  package func failure(why: String, wayOut: String) -> StartFailure {
    failure(why: why, waysOut: [wayOut, "set \(variable) itself instead of \(source)"])
  }

  private func failure(why: String, waysOut: [String]) -> StartFailure {
    StartFailure(
      status: ExitStatus.configuration,
      what: "\(source): the file \(path) cannot be the value of \(variable)",
      why: why, waysOut: waysOut)
  }
}

extension Environment {
  /// Whether there is a KONG_X_FILE at all; an empty one is as if unset.
  package var mayNameSecretFiles: Bool {
    variables.contains { !$0.value.isEmpty && Environment.mayNameSecretFile($0.name) }
  }

  /// The variables of the options that a start looks for in Kong's list.
  ///
  /// KONG_X_FILE names a secret if X is an option, and is itself right if X_FILE is one. An empty directive
  /// does no harm if it is an option.
  var optionsInQuestion: [String] {
    let files = variables.filter { !$0.value.isEmpty && Environment.mayNameSecretFile($0.name) }
    return files.map { $0.name } + files.compactMap { Environment.secret(namedBy: $0.name) }
      + emptyDirectives
  }

  /// The files that hold secrets, in the order of the variables that name them.
  ///
  /// As in the shell entrypoint of Kong's images from 3.0 on: an empty variable is as if unset, and
  /// is left alone. Of two with one name the first counts, as with getenv(3).
  ///
  /// - Parameter defaults: where it is known, KONG_X_FILE names a secret if X is one of its options,
  ///   or PASSWORD: KONG_NGINX_PROXY_AUTH_BASIC_USER_FILE is a directive for nginx. Without it, every
  ///   KONG_*_FILE but KONG_NGINX_*.
  /// - Throws: ``StartFailure`` where KONG_X and KONG_X_FILE are both set and not empty.
  package func secretReferences(defaults: KongDefaults?) throws(StartFailure) -> [SecretReference] {
    var files: [SecretReference] = []
    for variable in variables where !variable.value.isEmpty {
      guard let name = Environment.secret(namedBy: variable.name),
        Environment.isSecret(name, defaults: defaults)
      else { continue }
      if nonEmptySecrets.contains(name) { throw Environment.bothForms(name) }
      files.append(SecretReference(variable: name, path: variable.value))
    }
    return files
  }

  /// What to say of each KONG_X_FILE whose X is not one of Kong's options, most likely a typing error.
  ///
  /// KONG_X_FILE can be an option itself, or KONG_NGINX_X_FILE a directive for nginx.
  package func unknownSecretReferences(_ defaults: KongDefaults) -> [Explanation] {
    variables.compactMap { variable in
      guard !variable.value.isEmpty, let name = Environment.secret(namedBy: variable.name),
        !Environment.isSecret(name, defaults: defaults), !name.hasPrefix("KONG_NGINX_"),
        !defaults.hasOption(withVariable: variable.name)
      else { return nil }
      return Explanation(
        what: "\(ByteString(variable.name)) names no option of Kong: its file is not read",
        why: "\(ByteString(name)) is not in Kong's list of options",
        waysOut: ["correct the name"])
    }
  }

  /// The variable that gets what is in the file that `name` may name: KONG_X for KONG_X_FILE.
  static func secret(namedBy name: String) -> String? {
    mayNameSecretFile(name)
      ? String(decoding: name.utf8.dropLast("_FILE".utf8.count), as: UTF8.self) : nil
  }

  private static func isSecret(_ name: String, defaults: KongDefaults?) -> Bool {
    if name == "KONG_PASSWORD" { return true }
    if let defaults { return defaults.hasOption(withVariable: name) }
    return !name.hasPrefix("KONG_NGINX_")
  }

  private static func bothForms(_ name: String) -> StartFailure {
    StartFailure(
      status: ExitStatus.configuration,
      what: "\(name) and \(name)_FILE are both set",
      why: "both give \(name) a value, and only one can be used",
      waysOut: ["unset \(name)", "unset \(name)_FILE"])
  }
}
