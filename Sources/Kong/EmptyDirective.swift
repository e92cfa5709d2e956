package import Text

extension Environment {
  /// The names of the variables that inject a directive into nginx's configuration, but have no value.
  var emptyDirectives: [String] {
    let empty = variables.filter { $0.value.bytes.allSatisfy(isLuaBlank) }
    return empty.map { $0.name }.filter { NginxBlock.of($0.utf8.span) != nil }
  }

  /// What to say of each such variable that is no option of Kong.
  ///
  /// Kong 2.8.5, 3.4.2 and 3.9.3 accept it in `kong prepare`, whose `nginx -t` skips Kong.init(). Then
  /// Kong.init() reads "nginx_http_include = " from .kong_env as true, and refuses that.
  package func emptyDirectiveWarnings(_ defaults: KongDefaults) -> [Explanation] {
    emptyDirectives.filter { !defaults.hasOption(withVariable: $0) }.map { name in
      let option = String(name.dropFirst("KONG_".utf8.count)).lowercasedASCII
      return Explanation(
        what: "\(name) is empty: kong prepare may accept that, but nginx then ends with"
          + " \"\(option) is not a string: 'true'\"",
        why: "kong prepare writes it to .kong_env without a value, which nginx reads as true",
        waysOut: ["unset \(name)", "\(name)=NONE, which injects nothing"])
    }
  }
}
