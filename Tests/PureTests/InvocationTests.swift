import Kong
import Settings
import Text
import Testing

@Suite("The command line")
struct InvocationTests {
  private func parse(_ arguments: String...) throws -> Invocation {
    try Invocation(arguments.map { ByteString($0) })
  }

  private func failure(_ arguments: String...) throws -> Explanation {
    let failure = #expect(throws: StartFailure.self) {
      try Invocation(arguments.map { ByteString($0) })
    }
    #expect(failure?.status == ExitStatus.usage)
    return try #require(failure?.explanation)
  }

  @Test("leaves everything after the first word of the command, and after --, to the command")
  func command() throws {
    #expect(try parse("kong", "--user", "x").command == ["kong", "--user", "x"])
    #expect(try parse("--user", "x", "ls", "--dry-run").command == ["ls", "--dry-run"])
    #expect(try parse("--", "--help").command == ["--help"])
    #expect(try parse("--", "--help").action == .start)
    #expect(try parse("--user", "x", "--", "--", "y").command == ["--", "y"])
    #expect(try parse().command == [])
    let bytes = ByteString([0xff, 0x0a])
    #expect(try Invocation(["--dry-run", "true", bytes]).command == ["true", bytes])
  }

  @Test("takes a value from the next argument, or after =")
  func values() throws {
    for arguments in [["--proxy", "/a=b"], ["--proxy=/a=b"]] {
      let invocation = try Invocation((arguments + ["kong"]).map { ByteString($0) })
      #expect(invocation.options.proxy == "/a=b")
      #expect(invocation.command == ["kong"])
    }
    #expect(try parse("--user=-1", "ls").options.user == "-1")
    let path = ByteString([0x2f, 0xff])
    #expect(try Invocation(["--proxy", path]).options.proxy == path)
  }

  @Test("collects --cap, and uses the last of every other option")
  func repeated() throws {
    let invocation = try parse(
      "--cap", "a,b", "--cap=c", "--user", "x", "--user", "y", "--cap-mode", "FILE",
      "--no-new-privs", "off", "--log-level", "debug", "--log-format", "json", "ls")
    #expect(invocation.options.capabilities == ["a", "b", "c"])
    #expect(invocation.options.user == "y")
    #expect(invocation.options.mode == .file)
    #expect(invocation.options.noNewPrivileges == false)
    #expect(invocation.logLevel == .debug)
    #expect(invocation.logFormat == .json)
  }

  @Test("knows a dry run, its formats, and the two options that only print")
  func actions() throws {
    #expect(try parse("--dry-run", "kong").action == .dryRun(.text))
    #expect(try parse("--format", "kubernetes", "--dry-run").action == .dryRun(.kubernetes))
    #expect(try parse("--check", "kong").action == .check(.text))
    #expect(try parse("--format", "json", "--check").action == .check(.json))
    for help in ["--help", "-h"] { #expect(try parse(help, "--wrong").action == .help) }
    #expect(try parse("--version").action == .version)
  }

  @Test("says what is wrong with an option, its possible values, and the most similar option")
  func failures() throws {
    #expect(try failure("--dryrun", "x").waysOut.first == "did you mean --dry-run?")
    #expect(try failure("--usr=x").waysOut.first == "did you mean --user?")
    #expect(try failure("-x").what == "there is no option -x")
    #expect(try failure("--" + String(repeating: "x", count: 5000)).waysOut.count == 2)
    #expect(try failure("--cap-mode", "x").why == "it must be auto, file or ambient")
    #expect(try failure("--dry-run=yes").what == "--dry-run was given a value")
    #expect(try failure("--format", "json", "x").waysOut.first == "add --dry-run")
    #expect(try failure("--check", "--format", "docker", "x").why == "it must be text or json")
    #expect(try failure("--check", "--dry-run", "x").waysOut.count == 2)
    for arguments in [["--user"], ["--user="], ["--user", "--dry-run", "ls"]] {
      let failure = #expect(throws: StartFailure.self) {
        try Invocation(arguments.map { ByteString($0) })
      }
      #expect(failure?.explanation?.what == "--user has no value")
    }
  }

  @Test("has one setting for each name, and --help has lines for each, at most 80 columns wide")
  func help() {
    let help = HelpText.render()
    let lines = help.split(separator: "\n")
    // A path is not broken into lines.
    let wide = lines.filter { $0.count > 80 && $0.split(separator: " ").count > 1 }
    #expect(wide.isEmpty, "\(wide)")
    let names = Setting.all.flatMap { [$0.name, $0.shortName, $0.variable].compactMap(\.self) }
    #expect(Set(names).count == names.count)
    for setting in Setting.all {
      #expect((setting.option == nil) == (setting.name == nil))
      let names = [setting.shortName, setting.name].compactMap(\.self).joined(separator: ", ")
      let start = names.isEmpty ? "  \(setting.variable ?? "?")=" : "  \(names) "
      #expect(lines.filter { $0.hasPrefix(start) }.count == 1, "\(start)")
      if let variable = setting.variable { #expect(help.contains(variable)) }
    }
  }

  @Test("covers exactly those variables of ours that an environment may have")
  func variables() {
    let variables = Setting.all.compactMap(\.variable).filter { $0.hasPrefix("ENTRYPOINT_") }
    let known = Environment(variables.map { Environment.Variable(name: $0, value: "on") })
    #expect(known.unknownVariables.isEmpty)
    let unknown = Environment([Environment.Variable(name: "ENTRYPOINT_X", value: "on")])
    let listed = unknown.unknownVariables.first?.why.matches(of: /ENTRYPOINT_[A-Z_]+/)
    #expect(Set(listed?.map { String($0.output) } ?? []) == Set(variables))
  }
}
