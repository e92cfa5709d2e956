package import Text

/// The accounts in files like /etc/passwd and /etc/group, as glibc's own readers of such files find them.
///
/// getpwnam(3) would load NSS modules, which a static program must not. fgetpwent(3) needs a stream, C strings and
/// more instructions, and takes an id with a sign, or of more than 32 bits, for another one: here such a line is
/// invalid.
package enum AccountEntries {
  /// The users in a file like /etc/passwd (passwd(5)), without those in invalid lines.
  package static func users(in file: [UInt8]) -> [Account] {
    var users: [Account] = []
    users.reserveCapacity(file.count / usualLine)
    forEachLine(in: file) { line in
      var fields = line
      guard let name = fields.next(), fields.next() != nil, let uid = fields.nextID(),
        let gid = fields.nextID()
      else { return }
      // The fifth field is a person's name.
      let home = fields.next().flatMap { _ in fields.next() }
      users.append(
        Account(
          name: String(decoding: file[name], as: UTF8.self), uid: uid, gid: gid,
          home: ByteString(home.map { Array(file[$0]) } ?? [])))
    }
    return users
  }

  /// The groups in a file like /etc/group (group(5)), without those in invalid lines.
  package static func groups(in file: [UInt8]) -> [AccountGroup] {
    var groups: [AccountGroup] = []
    groups.reserveCapacity(file.count / usualLine)
    forEachLine(in: file) { line in
      var fields = line
      guard let name = fields.next(), fields.next() != nil, let gid = fields.nextID() else {
        return
      }
      groups.append(
        AccountGroup(
          name: String(decoding: file[name], as: UTF8.self), gid: gid,
          members: members(fields.rest.map { file[$0] } ?? [])))
    }
    return groups
  }

  /// The bytes of a short line: there is room for all accounts at once if none is shorter.
  private static let usualLine = 16

  /// The names between commas, without blanks before them.
  private static func members(_ list: ArraySlice<UInt8>) -> [String] {
    if list.isEmpty { return [] }
    return list.split(separator: UInt8(ascii: ",")).map { $0.drop(while: isLuaBlank) }
      .filter { !$0.isEmpty }.map { String(decoding: $0, as: UTF8.self) }
  }

  /// Calls `body` with each line that is neither empty nor a comment, without blanks before it.
  ///
  /// A line ends at a NUL, as C's strings do. One that begins with "+" or "-" asks NIS for accounts
  /// (nsswitch.conf(5), "Compatibility mode"), and names none.
  private static func forEachLine(in file: [UInt8], _ body: (AccountFields) -> Void) {
    let hasNUL = file.contains(0)
    var start = 0
    while start < file.count {
      let newline = file.position(of: UInt8(ascii: "\n"), from: start)
      let end = hasNUL ? file.position(of: 0, in: start..<newline) : newline
      while start < end, isLuaBlank(file[start]) { start += 1 }
      if start < end {
        switch file[start] {
        case UInt8(ascii: "#"), UInt8(ascii: "+"), UInt8(ascii: "-"): break
        default: body(AccountFields(file, start..<end))
        }
      }
      start = newline + 1
    }
  }
}

/// The fields of one line, separated by colons.
private struct AccountFields {
  private let file: [UInt8]
  /// What follows the fields read so far; nil after the last.
  private(set) var rest: Range<Int>?

  init(_ file: [UInt8], _ line: Range<Int>) {
    self.file = file
    rest = line
  }

  /// The next field, which may be empty; nil if there is none.
  mutating func next() -> Range<Int>? {
    guard let rest else { return nil }
    let end = file.position(of: UInt8(ascii: ":"), in: rest)
    self.rest = end < rest.upperBound ? (end + 1)..<rest.upperBound : nil
    return rest.lowerBound..<end
  }

  /// The next field, a decimal number of at most 32 bits; nil for anything else.
  mutating func nextID() -> UInt32? {
    guard let field = next(), !field.isEmpty else { return nil }
    var id: UInt64 = 0
    for index in field {
      guard isDigit(file[index]) else { return nil }
      id = id * 10 + UInt64(file[index] - UInt8(ascii: "0"))
      if id > UInt64(UInt32.max) { return nil }
    }
    return UInt32(id)
  }
}
