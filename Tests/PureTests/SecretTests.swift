@testable import Kong
@testable import Text
import Testing

@Suite("A secret")
struct SecretTests {
  private let secret = Secret(Array("hunter2".utf8))
  private let reference = SecretReference(variable: "KONG_PG_PASSWORD", path: "/run/secrets/pw")

  @Test("shows its length only: in text, in a debugger's text, in a dump, inside other values")
  func hidden() {
    var dumped = ""
    dump([secret], to: &dumped)
    dump(EnvironmentChange(name: "K", value: .secret(secret)), to: &dumped)
    let setting = ResolvedSecret(reference: reference, secret: secret)
    dump(setting, to: &dumped)
    let texts = [
      "\(secret)", String(describing: secret), String(reflecting: secret), dumped, "\(setting)",
      String(reflecting: setting), "\(setting.changes)", String(reflecting: Optional(secret)),
      "\(setting.changes.map(\.description))",
    ]
    for text in texts {
      #expect(
        !text.contains("hunter2") && !text.contains("104") && text.contains("secret"), "\(text)")
    }
    #expect("\(secret)" == "<secret, 7 bytes>")
    #expect(Mirror(reflecting: secret).children.isEmpty)
  }

  @Test(
    "is a file's text without the newlines at its end, like the shell's $(<file)",
    arguments: [
      ("", ""), ("\n", ""), ("\n\n", ""), ("pw", "pw"), ("pw\n", "pw"), ("pw\n\n\n", "pw"),
      (" pw \n", " pw "), ("a\nb\n", "a\nb"), ("\npw", "\npw"), ("pw\r\n", "pw\r"),
    ])
  func newlines(contents: String, value: String) throws {
    #expect(try reference.secret(fromContents: Array(contents.utf8)) == Secret(Array(value.utf8)))
  }

  @Test("cannot have a NUL, or make its variable longer than 128 KiB; its value is never shown")
  func limits() throws {
    let room = 131_072 - "KONG_PG_PASSWORD=".utf8.count - 1
    let long = [UInt8](repeating: 0x78, count: room)
    #expect(try reference.secret(fromContents: long + [0x0a]) == Secret(long))
    for contents in [long + [0x78], [0x78, 0x78, 0x78, 0]] {
      let failure = try #require(throws: StartFailure.self) {
        _ = try reference.secret(fromContents: contents)
      }
      let text = try #require(failure.explanation)
      #expect(failure.status == 78)
      #expect(text.what.contains("KONG_PG_PASSWORD_FILE") && text.what.contains("/run/secrets/pw"))
      #expect(!"\(failure)".contains("xxx"))
      #expect(!text.waysOut.contains { $0.contains("set KONG_PG_PASSWORD itself") })
    }
  }
}

@Suite("KONG_*_FILE")
struct SecretFileTests {
  private let defaults = KongDefaults(
    Array("return [[\npg_password = NONE\nnginx_user = kong\nprefix = /\nx_token_file = a\n]]".utf8)
  )

  private func variables(_ variables: [String: String], _ defaults: KongDefaults?) throws
    -> [String]
  {
    try Situation.environment(variables).secretReferences(defaults: defaults).map(\.variable)
  }

  @Test("is a secret for each option of Kong, and for KONG_PASSWORD, and for no other")
  func options() throws {
    let files = [
      "KONG_PG_PASSWORD_FILE": "/a", "KONG_PASSWORD_FILE": "/b", "KONG_NGINX_USER_FILE": "/c",
      "KONG_NGINX_PROXY_AUTH_BASIC_USER_FILE": "/d",
      "KONG_X_TOKEN_FILE_FILE": "/f", "KONG_OTHER_FILE": "/g", "KONG__FILE": "/h",
      "XKONG_PASSWORD_FILE": "/i", "kong_password_file": "/j",
    ]
    let found = try variables(files, defaults)
    #expect(
      found == [
        "KONG_NGINX_USER", "KONG_PASSWORD", "KONG_PG_PASSWORD", "KONG_X_TOKEN_FILE",
      ])
  }

  @Test("is a secret for any option, except KONG_NGINX_*, if Kong's options are unknown")
  func withoutDefaults() throws {
    let files = [
      "KONG_PG_PASSWORD_FILE": "/a", "KONG_ANY_FILE": "/b", "KONG_NGINX_USER_FILE": "/c",
      "KONG_NGINX_PROXY_AUTH_BASIC_USER_FILE": "/d", "KONG__FILE": "/e", "OTHER_FILE": "/f",
    ]
    #expect(try variables(files, nil) == ["KONG_ANY", "KONG_PG_PASSWORD"])
  }

  @Test("causes a warning if Kong has no such option; injected directives do not")
  func unknownOptions() throws {
    var host = Situation.host(Situation.root())
    let variables = [
      "KONG_PG_PASWORD_FILE": "/a", "KONG_PG_PASSWORD_FILE": "/b", "KONG_X_TOKEN_FILE": "/c",
      "KONG_NGINX_PROXY_AUTH_BASIC_USER_FILE": "/d", "KONG_PASSWORD_FILE": "/e",
      "KONG_OTHER_FILE": "",
    ]
    #expect(try Situation.plan(variables, on: host).warnings.isEmpty)
    host.files.defaults = defaults
    let warnings = try Situation.plan(variables, on: host).prepareWarnings
    #expect(
      warnings.map(\.what) == [
        "KONG_PG_PASWORD_FILE names no option of Kong: its file is not read"
      ])
  }

  @Test("with an empty file causes a warning, and makes the variable empty, as in Kong's images")
  func emptyFile() throws {
    var host = Situation.host(Situation.root())
    host.secrets = .known([setting("KONG_PG_PASSWORD", ""), setting("KONG_PG_USER", "x")])
    let plan = try Situation.plan(["KONG_PG_PASSWORD_FILE": "/f"], on: host)
    #expect(plan.failure == nil && plan.secrets.count == 2)
    #expect(plan.prepareWarnings.map(\.what) == ["KONG_PG_PASSWORD_FILE: the file /f is empty"])
  }

  @Test(
    "from an editor of Windows is passed on unchanged, with a warning that does not show it",
    arguments: [
      ("open sesame\r", ["KONG_PG_PASSWORD_FILE: the value in /f ends in a carriage return (CR)"]),
      (
        "\u{feff}open sesame",
        ["KONG_PG_PASSWORD_FILE: the value in /f begins with a byte order mark"]
      ),
      ("open\rsesame", []), ("open sesame ", []),
      ("-----BEGIN CERTIFICATE-----\r\nopen sesame\r\n-----END CERTIFICATE-----\r", []),
    ] as [(String, [String])])
  func ofWindows(value: String, warnings: [String]) throws {
    var host = Situation.host(Situation.root())
    host.secrets = .known([setting("KONG_PG_PASSWORD", value)])
    let plan = try Situation.plan(["KONG_PG_PASSWORD_FILE": "/f"], on: host)
    #expect(plan.failure == nil && plan.secrets == [setting("KONG_PG_PASSWORD", value)])
    #expect(
      plan.prepareWarnings.map { String($0.what.prefix { $0 != "," }) } == warnings)
    for warning in plan.prepareWarnings {
      #expect(!"\(warning)".contains("sesame") && !warning.waysOut.isEmpty)
    }
  }

  @Test("counts as unset if it is empty, and beats an empty variable")
  func empty() throws {
    #expect(
      try variables(["KONG_PG_PASSWORD_FILE": "", "KONG_PG_PASSWORD": "s3cret"], defaults) == [])
    #expect(
      try variables(["KONG_PG_PASSWORD_FILE": "/a", "KONG_PG_PASSWORD": ""], defaults)
        == ["KONG_PG_PASSWORD"])
  }

  @Test("ends with 78 if the variable itself is set, too; its value is neither kept nor shown")
  func bothForms() throws {
    let environment = Situation.environment([
      "KONG_PG_PASSWORD_FILE": "/a", "KONG_PG_PASSWORD": "s3cret",
    ])
    #expect(environment.nonEmptySecrets == ["KONG_PG_PASSWORD"])
    #expect(environment["KONG_PG_PASSWORD"] == nil)
    let failure = try #require(throws: StartFailure.self) {
      _ = try environment.secretReferences(defaults: defaults)
    }
    #expect(failure.status == 78)
    #expect(failure.explanation?.what == "KONG_PG_PASSWORD and KONG_PG_PASSWORD_FILE are both set")
    #expect(!"\(failure)\(environment)".contains("s3cret"))
  }

  @Test("that appears twice counts the first time, as in getenv")
  func duplicates() throws {
    let environment = Environment([
      Environment.Variable(name: "KONG_PG_PASSWORD", value: ""),
      Environment.Variable(name: "KONG_PG_PASSWORD", value: "x"),
      Environment.Variable(name: "KONG_PG_PASSWORD_FILE", value: "/a"),
      Environment.Variable(name: "KONG_PG_PASSWORD_FILE", value: "/b"),
    ])
    let files = try environment.secretReferences(defaults: nil)
    #expect(files == [SecretReference(variable: "KONG_PG_PASSWORD", path: "/a")])
  }

  private func setting(_ variable: String, _ value: String) -> ResolvedSecret {
    ResolvedSecret(
      reference: SecretReference(variable: variable, path: "/f"), secret: Secret(Array(value.utf8)))
  }

  @Test("gives a plan its prefix and listeners, and keeps passwords out of it")
  func including() throws {
    let environment = try Situation.environment(["KONG_PREFIX": ""]).including([
      setting("KONG_PREFIX", "/srv/kong"), setting("KONG_PROXY_LISTEN", "0.0.0.0:80"),
      setting("KONG_PG_PASSWORD", "s3cret"),
    ])
    #expect(environment.variables.map(\.name) == ["KONG_PREFIX", "KONG_PROXY_LISTEN"])
    #expect(environment["KONG_PREFIX"] == "/srv/kong")
  }

  @Test(
    "never shows its contents, even where a plan would show a valid value",
    arguments: [
      ("KONG_PREFIX", "s3cret"), ("KONG_PREFIX", "/\ns3cret"), ("KONG_PROXY_LISTEN", "s3cret"),
      ("KONG_PROXY_LISTEN", "0.0.0.0:80 s3cret"), ("KONG_PROXY_LISTEN", "4711"),
    ])
  func wrongFile(variable: String, contents: String) throws {
    let failure = try #require(throws: StartFailure.self) {
      _ = try Environment().including([setting(variable, contents)])
    }
    #expect(failure.status == 78 && !"\(failure)".contains(/s3cret|4711/))
    #expect(failure.explanation?.what.contains("\(variable)_FILE: the file /f") == true)
  }

  @Test("with a wrong listener is reported by the entry's number and the broken rule")
  func wrongListener() throws {
    let failure = try #require(throws: StartFailure.self) {
      _ = try Environment().including([setting("KONG_PROXY_LISTEN", "0.0.0.0:81, 0.0.0.0:s3cret")])
    }
    let text = try #require(failure.explanation)
    #expect(text.what == "KONG_PROXY_LISTEN_FILE: the file /f: entry 2 is not a listener")
    #expect(text.why == "a word of it is not a port; expected a number from 1 to 65535")
    #expect(!"\(failure)".contains("s3cret") && !"\(failure)".contains("0.0.0.0:81"))
  }
}
