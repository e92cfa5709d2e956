package import Text

extension Environment {
  /// What to say of each KONG_X_LISTEN that this Kong does not have, if its name is nearly one that Kong has.
  ///
  /// Kong ignores such a variable, and listens on its defaults. Names that resemble none are left alone: they
  /// can be meant for another Kong, as KONG_PORTAL_GUI_LISTEN of the official chart is.
  package func misspeltListenWarnings(_ defaults: KongDefaults) -> [Explanation] {
    variables.compactMap { variable in
      guard Environment.isListenSetting(variable.name), !variable.value.isEmpty,
        !defaults.hasListenOption(withVariable: variable.name)
      else { return nil }
      let name = ByteString(variable.name)
      let similar = defaults.listenVariables.first { ByteString($0).isSimilar(to: name) }
      return similar.map { option in
        Explanation(
          what: "\(name) is no option of this Kong, which ignores it",
          why: "the option with the most similar name is \(option)",
          waysOut: ["correct the name: \(option)", "unset \(name)"])
      }
    }
  }
}
