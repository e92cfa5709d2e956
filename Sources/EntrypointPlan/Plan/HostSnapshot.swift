/// Everything about the machine that a plan depends on, read once, before anything is changed.
public struct HostSnapshot: Equatable, Sendable {
  /// Who this process is and what it may do.
  public var credentials: Credentials
  /// AT_SECURE (getauxval(3)): this process has capabilities from its own file, and whoever started
  /// it had them not.
  public var secureExecution: Bool
  /// The capabilities of the running kernel.
  public var capabilityNames: CapabilityNames
  /// /etc/passwd and /etc/group.
  public var accounts: Accounts
  /// net.ipv4.ip_unprivileged_port_start of this network namespace (ip(7)).
  public var unprivilegedPortStart: Int
  /// Whether capabilities of this user namespace count in this network namespace
  /// (user_namespaces(7)).
  public var ownsNetwork: Bool
  /// What the command's name stands for on PATH.
  public var command: ProgramLookup
  /// The proxy's file; nil where the command is not `kong docker-start`.
  public var proxy: ProgramLookup?
  /// Standard output and standard error, in this order.
  public var streams: [StandardStream]
  /// The hook directory; nil where there is none, or none is asked for.
  public var hooks: HookDirectory?
  /// What Kong's own files say.
  public var files: KongFiles
  /// Why the prefix cannot be given away, where a dry run has found that out.
  public var prefixFailure: StartFailure?
  /// The prefix, where the user that Kong runs as may not write it as it is now.
  public var unwritablePrefix: FileOwnership?
  /// Why that user may not read the file that `-c` names, where a dry run has found that out.
  public var unreadableConfiguration: String?
  /// What is in the files that KONG_*_FILE name, or why it cannot be known.
  public var secrets: SecretSettings

  /// Creates a snapshot from its parts.
  public init(
    credentials: Credentials,
    secureExecution: Bool = false,
    capabilityNames: CapabilityNames,
    accounts: Accounts = Accounts(),
    unprivilegedPortStart: Int = 1024,
    ownsNetwork: Bool = true,
    command: ProgramLookup,
    proxy: ProgramLookup? = nil,
    streams: [StandardStream] = [],
    hooks: HookDirectory? = nil,
    files: KongFiles = KongFiles(),
    secrets: SecretSettings = .known([])
  ) {
    self.credentials = credentials
    self.secureExecution = secureExecution
    self.capabilityNames = capabilityNames
    self.accounts = accounts
    self.unprivilegedPortStart = unprivilegedPortStart
    self.ownsNetwork = ownsNetwork
    self.command = command
    self.proxy = proxy
    self.streams = streams
    self.hooks = hooks
    self.files = files
    self.secrets = secrets
  }
}

/// The outcome of looking for a program.
public enum ProgramLookup: Equatable, Sendable {
  /// It is a regular file that somebody may execute.
  case found(ProgramFile)
  /// Nothing of that name is there.
  case absent
  /// Something is there that cannot be executed; `reason` says why, in words.
  case notExecutable(path: ByteString, reason: String)
}

extension StartFailure {
  /// A program is there, and cannot be executed.
  static func notExecutable(_ path: ByteString, why: String) -> StartFailure {
    StartFailure(
      status: ExitStatus.notExecutable, what: "cannot execute \(path)", why: why,
      waysOut: [wayToExecute(path), "name another"])
  }

  /// What all that keeps a file from being executed has in common.
  public static func wayToExecute(_ path: ByteString) -> String {
    "let this user execute it: chmod a+rx \(path), a+x for each directory above it, and mount it"
      + " without noexec"
  }
}

/// A program's file, as far as execve(2) and a grant look at it.
public struct ProgramFile: Equatable, Sendable {
  /// The path to exec; of a proxy, without symbolic links.
  public var path: ByteString
  /// Which file it is, so that no other can take its place before it is written.
  public var identity: FileIdentity
  /// The capabilities in its `security.capability` attribute, nil without one.
  public var capabilities: FileCapabilities?
  /// Whether the file system can hold that attribute.
  public var supportsAttributes: Bool
  /// The mount's options.
  public var mount: MountOptions
  /// It has the set-user-ID or set-group-ID bit.
  public var isSetID: Bool
  /// It begins with "#!": its capabilities do not count, but those of its interpreter's file.
  public var isScript: Bool
  /// The first component of the path that somebody other than root could replace or write; nil
  /// where only root can.
  public var writableComponent: ByteString?

  /// Creates a description of a file.
  public init(
    path: ByteString,
    identity: FileIdentity = FileIdentity(device: 0, inode: 0),
    capabilities: FileCapabilities? = nil,
    supportsAttributes: Bool = true,
    mount: MountOptions = [],
    isSetID: Bool = false,
    isScript: Bool = false,
    writableComponent: ByteString? = nil
  ) {
    self.path = path
    self.identity = identity
    self.capabilities = capabilities
    self.supportsAttributes = supportsAttributes
    self.mount = mount
    self.isSetID = isSetID
    self.isScript = isScript
    self.writableComponent = writableComponent
  }
}

/// Which file a path led to (inode(7)).
public struct FileIdentity: Equatable, Sendable {
  /// The device that holds it.
  public var device: UInt64
  /// Its number there.
  public var inode: UInt64
  /// When it was changed last, in nanoseconds of the file system's clock: a number is used again
  /// for the next file.
  public var changeTime: Int64

  /// Creates an identity.
  public init(device: UInt64, inode: UInt64, changeTime: Int64 = 0) {
    self.device = device
    self.inode = inode
    self.changeTime = changeTime
  }
}

/// The options of a mount that matter to a grant (statvfs(3)).
public struct MountOptions: OptionSet, Hashable, Sendable {
  /// One bit for each option; the numbers are this type's own.
  public let rawValue: UInt8

  /// Creates options from their bits.
  public init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// Nothing can be written.
  public static let readOnly = MountOptions(rawValue: 1)
  /// File capabilities and set-ID bits do not count.
  public static let noSetID = MountOptions(rawValue: 2)
}

/// What standard output or standard error is.
public struct StandardStream: Equatable, Sendable {
  /// The kinds of file that matter to a process that opens /dev/stdout.
  public enum Kind: String, Sendable {
    case pipe
    case terminal
    case file
    /// A socket cannot be opened by a path at all.
    case socket
    /// Such as /dev/null.
    case otherDevice
    case closed
  }

  /// 1 or 2.
  public var descriptor: Int32
  /// What it is.
  public var kind: Kind
  /// Which file it is.
  public var identity: FileIdentity
  /// The owner.
  public var uid: UInt32
  /// The group.
  public var gid: UInt32
  /// The nine permission bits (inode(7)).
  public var mode: UInt32

  /// Creates a description of a stream.
  public init(
    descriptor: Int32, kind: Kind, identity: FileIdentity = FileIdentity(device: 0, inode: 0),
    uid: UInt32 = 0, gid: UInt32 = 0, mode: UInt32 = 0o600
  ) {
    self.descriptor = descriptor
    self.kind = kind
    self.identity = identity
    self.uid = uid
    self.gid = gid
    self.mode = mode
  }
}
