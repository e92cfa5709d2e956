/// A line of /etc/passwd (passwd(5)).
public struct Account: Equatable, Sendable {
  /// The login name.
  public var name: String
  /// The user id.
  public var uid: UInt32
  /// The primary group.
  public var gid: UInt32
  /// The home directory.
  public var home: ByteString

  /// Creates an account.
  public init(name: String, uid: UInt32, gid: UInt32, home: ByteString) {
    self.name = name
    self.uid = uid
    self.gid = gid
    self.home = home
  }
}

/// A line of /etc/group (group(5)).
public struct AccountGroup: Equatable, Sendable {
  /// The group's name.
  public var name: String
  /// The group id.
  public var gid: UInt32
  /// The names of the users that have it as a supplementary group.
  public var members: [String]

  /// Creates a group.
  public init(name: String, gid: UInt32, members: [String]) {
    self.name = name
    self.gid = gid
    self.members = members
  }
}

/// The accounts of this machine or image, read from the files, without NSS.
public struct Accounts: Equatable, Sendable {
  /// The lines of /etc/passwd.
  public var users: [Account]
  /// The lines of /etc/group.
  public var groups: [AccountGroup]
  /// Why nobody can be looked up: one of the files is there and could not be read; nil where each was
  /// read or is not there.
  ///
  /// A start that needs no names goes on without them.
  public var failure: StartFailure?
  /// Why what the files say does not count: this is root, and others could have written one of them.
  ///
  /// Then the lists are empty, and only numbers can name a user and a group.
  public var distrust: StartFailure?

  /// No accounts, as others than root could have written what a file says.
  ///
  /// - Parameter entry: the first entry on the way to `file` that they could write.
  public init(file: ByteString, writableBy entry: PathEntry) {
    self.init()
    distrust = StartFailure(
      status: ExitStatus.configuration,
      what: "no user is looked up: others than root could write \(entry.path)",
      why:
        "\(entry.path) has \(entry.description); whoever took over one of them once could have made"
        + " itself root in \(file)",
      waysOut: [
        "in the image: chown root:root \(entry.path) && chmod go-w \(entry.path)",
        "name the user by numbers: --user UID:GID, or ENTRYPOINT_USER",
        "start the container as that user (docker run --user, runAsUser)",
      ])
  }

  /// Creates the accounts from the lines of both files.
  public init(users: [Account] = [], groups: [AccountGroup] = []) {
    self.users = users
    self.groups = groups
  }
}

/// The user that a command runs as.
public struct TargetUser: Equatable, Sendable {
  /// The name, nil for a number without a line in /etc/passwd.
  public var name: String?
  /// The user id.
  public var uid: UInt32
  /// The group id.
  public var gid: UInt32
  /// The supplementary groups, sorted; `gid` is among them.
  public var groups: [UInt32]
  /// Those of `groups` that only the container engine has given, and no account file.
  public var engineGroups: [UInt32] = []
  /// What HOME becomes.
  public var home: ByteString

  /// "kong (1337:0)", or "1337:0".
  public var description: String {
    name.map { "\($0) (\(uid):\(gid))" } ?? "\(uid):\(gid)"
  }
}
