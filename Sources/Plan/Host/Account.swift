package import Text

/// A line of /etc/passwd (passwd(5)).
package struct Account: Equatable, Sendable {
  /// The login name.
  package var name: String
  /// The user id.
  package var uid: UInt32
  /// The primary group.
  package var gid: UInt32
  /// The home directory.
  package var home: ByteString

  /// Creates an account.
  package init(name: String, uid: UInt32, gid: UInt32, home: ByteString) {
    self.name = name
    self.uid = uid
    self.gid = gid
    self.home = home
  }
}

/// A line of /etc/group (group(5)).
package struct AccountGroup: Equatable, Sendable {
  /// The group's name.
  package var name: String
  /// The group id.
  package var gid: UInt32
  /// The names of the users that have it as a supplementary group.
  package var members: [String]

  /// Creates a group.
  package init(name: String, gid: UInt32, members: [String]) {
    self.name = name
    self.gid = gid
    self.members = members
  }
}

/// The accounts of this machine or image, read from the files, without NSS.
package struct Accounts: Equatable, Sendable {
  /// The lines of /etc/passwd.
  package var users: [Account]
  /// The lines of /etc/group.
  package var groups: [AccountGroup]
  /// Why no user can be looked up: one of the files exists and could not be read; nil if each was
  /// read or does not exist.
  ///
  /// A start that needs no names goes on without them.
  package var failure: StartFailure?
  /// Why the files are not trusted: this process is root, and other users could have written one of
  /// them.
  ///
  /// Then the lists are empty, and only numbers can name a user and a group.
  package var distrust: StartFailure?

  /// No accounts, because users other than root could have written a file.
  ///
  /// - Parameter entry: the first entry on the way to `file` that they could write.
  package init(file: ByteString, writableBy entry: PathEntry) {
    self.init()
    distrust = StartFailure(
      status: ExitStatus.configuration,
      what: "users are not looked up: users other than root could write \(entry.path)",
      why:
        "\(entry.path) has \(entry.description); whoever took over such a user could have made it"
        + " root in \(file)",
      waysOut: [
        "in the image: chown root:root \(entry.path) && chmod go-w \(entry.path)",
        "name the user by numbers: --user UID:GID, or ENTRYPOINT_USER",
        "start the container as that user (docker run --user, runAsUser)",
      ])
  }

  /// Creates the accounts from the lines of both files.
  package init(users: [Account] = [], groups: [AccountGroup] = []) {
    self.users = users
    self.groups = groups
  }
}

/// The user that a command runs as.
package struct TargetUser: Equatable, Sendable {
  /// The name, nil for a number without a line in /etc/passwd.
  package var name: String?
  /// The user id.
  package var uid: UInt32
  /// The group id.
  package var gid: UInt32
  /// The supplementary groups, sorted; `gid` is among them.
  package var groups: [UInt32]
  /// Those of `groups` that come from the container engine, and from no account file.
  package var engineGroups: [UInt32] = []
  /// What HOME becomes.
  package var home: ByteString

  /// "kong (1337:0)", or "1337:0".
  package var description: String {
    name.map { "\($0) (\(uid):\(gid))" } ?? "\(uid):\(gid)"
  }
}
