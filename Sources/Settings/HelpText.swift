/// What `--help` prints.
package enum HelpText {
  /// What the program is for, in one sentence without a full stop.
  package static let abstract =
    "Start Kong, or any command, as another user with exactly the capabilities it needs"

  /// What it does, a paragraph each.
  package static let discussion = [
    "With the command \"kong docker-start\" it reads the KONG_*_LISTEN variables, runs \"kong"
      + " prepare\" as the user kong, grants nginx the capabilities that its listeners need (ports"
      + " below net.ipv4.ip_unprivileged_port_start, transparent proxying) and no more, and becomes"
      + " nginx.",
    "If root starts another kong command, such as \"kong reload\", it runs as the user kong, too. Any"
      + " other command runs unchanged, or as --user and --cap say.",
  ]

  private static let examples = [
    (
      "What would be done for Kong on port 80, and why:",
      "KONG_PROXY_LISTEN=0.0.0.0:80 entrypoint --dry-run kong docker-start"
    ),
    (
      "Another command as another user, with one capability:",
      "entrypoint --user www-data --cap net_bind_service -- httpd -f"
    ),
  ]

  private static let statuses = [
    ("0", "--dry-run, --check: a start can succeed; --health: Kong serves"),
    ("1", "--health: Kong does not serve"),
    ("64", "wrong options"),
    ("69", "what is waited for has not answered in time"),
    ("77", "not permitted here"),
    ("78", "wrong configuration; --check: a certain failure"),
    ("126, 127", "the command cannot be executed, or is not found"),
    ("other", "the status of a hook, \"kong prepare\" or the command; 128 + signal"),
  ]

  /// In columns.
  private static let width = 80
  private static let indentation = 26

  /// The whole text, for a terminal of 80 columns.
  package static func render() -> String {
    var text = wrap("\(abstract).", indentedBy: 0)
    text += "\nUsage: entrypoint [options] [--] [command [argument ...]]\n"
    for paragraph in discussion { text += "\n" + wrap(paragraph, indentedBy: 0) }
    for section in Setting.Section.allCases {
      text += "\n\(section.rawValue)\n"
      for setting in Setting.all where setting.section == section { text += item(setting) }
    }
    text += "\nAn option beats its variable. An empty variable counts as unset.\n\nExit status\n"
    for (status, meaning) in statuses { text += entry("  " + status, meaning) }
    text += "\nExamples\n"
    for (what, command) in examples { text += "  \(what)\n    \(command)\n" }
    return text
  }

  private static func item(_ setting: Setting) -> String {
    var names = [setting.shortName, setting.name].compactMap { $0 }.joined(separator: ", ")
    var sentences = [setting.summary]
    if names.isEmpty {
      names = (setting.variable ?? "") + "=" + setting.value.text
    } else {
      if setting.value != .none { names += " " + setting.value.text }
      if let variable = setting.variable { sentences.append("Variable: \(variable).") }
    }
    if !setting.usual.isEmpty { sentences.append("Default: \(setting.usual).") }
    return entry("  " + names, sentences.joined(separator: " "))
  }

  /// A name with its meaning beside or below it.
  private static func entry(_ name: String, _ meaning: String) -> String {
    let text = wrap(meaning, indentedBy: indentation)
    guard name.utf8.count + 2 <= indentation else { return name + "\n" + text }
    let gap = String(repeating: " ", count: indentation - name.utf8.count)
    return name + gap + String(text.dropFirst(indentation))
  }

  /// Lines of words; a word that is too long has a line of its own.
  private static func wrap(_ text: String, indentedBy indentation: Int) -> String {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let line = lines.last, indentation + line.utf8.count + 1 + word.utf8.count < width {
        lines[lines.count - 1] = line + " " + String(word)
      } else {
        lines.append(String(word))
      }
    }
    let blanks = String(repeating: " ", count: indentation)
    return lines.map { blanks + $0 + "\n" }.joined(separator: "")
  }
}
