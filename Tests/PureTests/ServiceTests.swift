import Services
import Testing
import Text

/// What is read of /etc/hosts, /etc/resolv.conf, the DNS and PostgreSQL while a start waits.
@Suite struct ServiceTests {
  // MARK: addresses

  @Test(arguments: [
    ("db:5432", "db:5432"), ("10.0.0.1:80", "10.0.0.1:80"), ("[::1]:80", "[::1]:80"),
    ("[2001:db8:0:0:1:0:0:1]:65535", "[2001:db8::1:0:0:1]:65535"), ("[::]:1", "[::]:1"),
    ("a_b-c.example.:1", "a_b-c.example.:1"), ("[1:0:2:3:4:5:6:7]:1", "[1:0:2:3:4:5:6:7]:1"),
  ])
  func `a service is a host and a port`(text: String, description: String) throws {
    #expect(try #require(ServiceAddress(ByteString(text))).description == description)
  }

  @Test(arguments: [
    "", "db", "db:", ":80", "db:0", "db:65536", "db:+1", "db:80 ", "::1:80", "[db]:80", "[::1]80",
    "10.0.0:80", "256.0.0.1:80", "d b:80", "a..b:80", "http://db:80", "db:80/x",
    "[fe80::1%eth0]:80",
    String(repeating: "a", count: 64) + ":80",
  ])
  func `anything else is no service`(text: String) {
    #expect(ServiceAddress(ByteString(text)) == nil)
  }

  // MARK: /etc/hosts and /etc/resolv.conf

  @Test func `etc-hosts gives a name all addresses of its lines, in any case`() {
    let file = """
      127.0.0.1\tlocalhost loopback # db
      10.0.0.1 db.example DB
      nonsense db
      ::1 ip6-localhost db
      10.0.0.1 db
      10.0.0.2 dba #db
      """
    let addresses = HostsFile.addresses(of: "db", in: Array(file.utf8))
    #expect(addresses.map(\.description) == ["10.0.0.1", "::1"])
    #expect(HostsFile.addresses(of: "example", in: Array(file.utf8)).isEmpty)
  }

  private func candidates(_ name: String, _ file: String) -> [String] {
    ResolverConfiguration(Array(file.utf8)).candidates(for: ByteString(name)).map(\.description)
  }

  @Test func `in a pod a short name is looked for in its namespace first`() {
    let pod = """
      search default.svc.cluster.local svc.cluster.local cluster.local
      nameserver 10.96.0.10
      options ndots:5
      """
    #expect(
      candidates("db.kong", pod) == [
        "db.kong.default.svc.cluster.local", "db.kong.svc.cluster.local", "db.kong.cluster.local",
        "db.kong",
      ])
    #expect(candidates("db.kong.", pod) == ["db.kong"])
    #expect(ResolverConfiguration(Array(pod.utf8)).servers == [.ipv4(0x0a60_000a)])
  }

  @Test func `a name with enough dots is tried as it is first`() {
    #expect(
      candidates("db.example", "search a b\n") == ["db.example", "db.example.a", "db.example.b"])
    #expect(candidates("db", "search a .\n") == ["db.a", "db", "db"])
    #expect(candidates("db", "domain a b\n") == ["db.a", "db"])
    #expect(candidates("db", "search a\nsearch b\n") == ["db.b", "db"])
    #expect(candidates("db", " search a\n#search b\n") == ["db"])
  }

  @Test func `options have glibc's limits, and only lines that begin with a keyword count`() {
    let file = """
      ; nameserver 10.0.0.9
      options ndots:99 timeout:0 attempts:7 rotate use-vc ndots:x
      nameserver ::1
      nameserver fe80::1%eth0
      nameserver 10.0.0.1 10.0.0.8
      nameserver 10.0.0.2
      nameserver 10.0.0.3
      """
    let configuration = ResolverConfiguration(Array(file.utf8))
    #expect(configuration.servers.map(\.description) == ["::1", "10.0.0.1", "10.0.0.2"])
    #expect(configuration.dots == 15 && configuration.timeout == 1 && configuration.attempts == 5)
    #expect(configuration.usesTCP)
    let none = ResolverConfiguration([])
    #expect(
      none.servers == [.loopback] && none.dots == 1 && none.timeout == 5 && none.attempts == 2)
  }

  // MARK: DNS

  private let question: DNSQuestion

  init() throws {
    let name = try #require(DNSName(Array("Db.example".utf8)[...]))
    question = DNSQuestion(id: 0x1234, name: name, kind: .ipv4)
  }

  /// An answer with records as they are on the wire.
  private func answer(
    flags: UInt16 = 0x8180, id: UInt16 = 0x1234, records: [[UInt8]] = []
  ) -> [UInt8] {
    var bytes = question.message
    bytes.replaceSubrange(
      0..<8,
      with: [
        UInt8(id >> 8), UInt8(id & 0xff), UInt8(flags >> 8), UInt8(flags & 0xff), 0, 1, 0,
        UInt8(records.count),
      ])
    return bytes + records.flatMap { $0 }
  }

  /// A record whose name is the question's.
  private func record(_ type: UInt8, _ data: [UInt8], name: [UInt8] = [0xc0, 12]) -> [UInt8] {
    name + [0, type, 0, 1, 0, 0, 0, 60, 0, UInt8(data.count)] + data
  }

  @Test func `the address of an alias counts, wherever it stands in the answer`() {
    // "DB.example" and "x.example", which end in the question's "example".
    let other: [UInt8] = [2, 0x44, 0x42, 0xc0, 15]
    let alias: [UInt8] = [1, 0x78, 0xc0, 15]
    let bytes = answer(records: [
      record(1, [10, 0, 0, 9], name: [1, 0x79, 0]), record(1, [10, 0, 0, 1], name: alias),
      record(16, [3, 1, 2, 3]), record(5, alias, name: other),
    ])
    #expect(DNSAnswer(bytes, to: question) == .addresses([.ipv4(0x0a00_0001)]))
  }

  @Test func `a loop of aliases has no address`() {
    #expect(
      DNSAnswer(answer(records: [record(5, [0xc0, 12])]), to: question) == .addresses([]))
  }

  @Test func `codes are told apart`() {
    #expect(DNSAnswer(answer(flags: 0x8183), to: question) == .noSuchName)
    #expect(DNSAnswer(answer(flags: 0x8182), to: question) == .failed(code: 2))
    #expect(DNSAnswer(answer(flags: 0x8380), to: question) == .truncated)
    #expect(DNSAnswer(answer(), to: question) == .addresses([]))
  }

  @Test func `what answers another question, or is malformed, is no answer`() throws {
    var other = question
    other.name = try #require(DNSName(Array("dc.example".utf8)[...]))
    #expect(DNSAnswer(answer(), to: other) == nil)
    other = question
    other.kind = .ipv6
    #expect(DNSAnswer(answer(), to: other) == nil)
    #expect(DNSAnswer(answer(id: 0x1235), to: question) == nil)
    #expect(DNSAnswer(question.message, to: question) == nil)
    let whole = answer(records: [record(1, [10, 0, 0, 1])])
    for count in 0..<whole.count { #expect(DNSAnswer(Array(whole[..<count]), to: question) == nil) }
    // A name that refers to itself.
    let loop = record(1, [10, 0, 0, 1], name: [0xc0, UInt8(question.message.count)])
    #expect(DNSAnswer(answer(records: [loop]), to: question) == nil)
  }

  // MARK: PostgreSQL

  private func error(_ fields: String...) -> [UInt8] {
    var body: [UInt8] = []
    for field in fields { body += Array(field.utf8) + [0] }
    body.append(0)
    let head: [UInt8] = [UInt8(ascii: "E"), 0, 0, 0, UInt8(body.count + 4)]
    return head + body
  }

  @Test func `PostgreSQL serves if it asks for a password, or refuses the user`() {
    #expect(PostgreSQLAnswer([0x52, 0, 0, 0, 23, 0, 0, 0, 10]) == .serves)
    #expect(PostgreSQLAnswer(error("SFATAL", "C28000", "Mno pg_hba.conf entry")) == .serves)
    #expect(PostgreSQLAnswer(error("SFATAL", "C3D000", "Mno such database")) == .serves)
  }

  @Test func `PostgreSQL's reason not to serve is shown, in one printable line`() {
    #expect(
      PostgreSQLAnswer(error("SFATAL", "C57P03", "Mthe database system is starting up"))
        == .refuses("the database system is starting up"))
    #expect(
      PostgreSQLAnswer(error("C53300", "Msorry,\u{1b}[31m too many\nclients already"))
        == .refuses("sorry,\\x1b[31m too many"))
    #expect(PostgreSQLAnswer(Array("Ecould not fork\n\0".utf8)) == .refuses("could not fork"))
  }

  @Test func `half an answer is waited for, and another server's is not taken for one`() {
    let whole = error("SFATAL", "C57P03", "Mstarting up")
    for count in 0..<whole.count { #expect(PostgreSQLAnswer(Array(whole[..<count])) == nil) }
    for other in ["HTTP/1.1 400 Bad Request", "SSH-2.0-x", "-ERR unknown command", "Redis"] {
      #expect(PostgreSQLAnswer(Array(other.utf8)) == .unknown)
    }
    // Too short for the zero at its end.
    #expect(PostgreSQLAnswer([0x45, 0, 0, 0, 4, 0]) == .refuses(""))
    #expect(PostgreSQLAnswer([0x4a, 0, 0, 0, 10, 5]) == .unknown)  // MySQL's greeting
  }

  @Test func `a start-up packet names user and database`() {
    #expect(
      PostgreSQL.startup(user: "kong", database: "k")
        == [0, 0, 0, 30, 0, 3, 0, 0] + Array("user\0kong\0database\0k\0\0".utf8))
    #expect(PostgreSQL.encryptionRequest == [0, 0, 0, 8, 4, 210, 22, 47])
  }
}
