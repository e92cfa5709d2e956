package import Text

/// A setting of Kong whose value was read from a file.
package struct ResolvedSecret: Hashable, Sendable {
  /// The file, and the variable that it is for.
  package var reference: SecretReference
  /// The value.
  package var secret: Secret

  package init(reference: SecretReference, secret: Secret) {
    self.reference = reference
    self.secret = secret
  }

  /// What is said of a value that is most likely not the one that was meant; Kong's own script takes it,
  /// too.
  package var warnings: [Explanation] {
    let value = secret.revealedBytes
    if value.isEmpty { return [isEmpty] }
    var warnings: [Explanation] = []
    // OpenSSL takes both line ends.
    if value.last == UInt8(ascii: "\r"), !value.starts(with: "-----BEGIN ".utf8) {
      warnings.append(endsInReturn)
    }
    if value.starts(with: [0xef, 0xbb, 0xbf]) { warnings.append(beginsWithMark) }
    return warnings
  }

  private var isEmpty: Explanation {
    Explanation(
      what: "\(reference.source): the file \(reference.path) is empty",
      why: "Kong gets an empty \(reference.variable)",
      waysOut: ["write the value into it", "unset \(reference.source)"])
  }

  private var endsInReturn: Explanation {
    Explanation(
      what:
        "\(reference.source): the value in \(reference.path) ends in a carriage return (CR), which Kong"
        + " gets, too",
      why: "the file has Windows line endings, and only newlines are removed from its end",
      waysOut: ["remove it: sed -i 's/\\r$//' \(reference.path), or write it with: printf %s VALUE"]
    )
  }

  private var beginsWithMark: Explanation {
    Explanation(
      what:
        "\(reference.source): the value in \(reference.path) begins with a byte order mark, which Kong"
        + " gets, too",
      why:
        "an editor saved the file as \"UTF-8 with BOM\"; nothing is removed from its beginning",
      waysOut: ["save it as UTF-8 without BOM, or write it with: printf %s VALUE"])
  }

  /// What started programs see: KONG_X with the value, and no KONG_X_FILE.
  package var changes: [EnvironmentChange] {
    [
      EnvironmentChange(name: reference.variable, value: .secret(secret)),
      EnvironmentChange(name: reference.source, value: .removed),
    ]
  }
}

/// What is in the files that KONG_*_FILE name.
package enum Secrets: Equatable, Sendable {
  /// All of them were read.
  case known([ResolvedSecret])
  /// They cannot be known, and so nothing can be started.
  case unknown(StartFailure)

  /// The settings.
  ///
  /// - Throws: ``StartFailure`` that says why they cannot be known.
  package func get() throws(StartFailure) -> [ResolvedSecret] {
    switch self {
    case .known(let settings): return settings
    case .unknown(let failure): throw failure
    }
  }
}

extension Environment {
  /// The environment with those settings in it that a plan depends on: KONG_PREFIX_FILE and
  /// KONG_PROXY_LISTEN_FILE work, too, in Kong's images from 3.0 on.
  ///
  /// A plan shows them. So a value that is not of the right form is an error that does not show it:
  /// the file may be one that was not meant.
  ///
  /// - Throws: ``StartFailure`` for a prefix that is not an absolute path, and for listeners that
  ///   are none.
  package func including(_ settings: [ResolvedSecret]) throws(StartFailure) -> Environment {
    var environment = self
    for setting in settings where Environment.interprets(setting.reference.variable) {
      let reference = setting.reference
      let value = ByteString(setting.secret.revealedBytes)
      if reference.variable == "KONG_PREFIX" {
        guard value.isEmpty || value.bytes.first == UInt8(ascii: "/"), value.isPrintable else {
          throw reference.failure(
            why: "its contents are not an absolute path on one line", wayOut: "correct the file")
        }
      } else if Environment.isListenSetting(reference.variable) {
        // A comment is no part of a list, and would be shown where another Kong refuses it.
        var grammar = ListenParser.Grammar.any
        grammar.cutsComments = false
        _ = try ListenParser.parse(
          value, source: "\(reference.source): the file \(reference.path)", grammar: grammar,
          isSecret: true)
      } else if reference.variable.hasSuffix("_FILE") {
        // Kong's own: what it names is for Kong to read.
        continue
      }
      environment.set(Variable(name: reference.variable, value: value))
    }
    return environment
  }
}

extension ByteString {
  fileprivate var isPrintable: Bool {
    !bytes.contains { $0 < 0x20 || $0 == 0x7f }
  }
}
