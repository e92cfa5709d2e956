/// Everything about the machine that a plan depends on, read once, before anything is changed.
public struct HostSnapshot: Equatable, Sendable {
  /// Who this process is and what it may do.
  public var credentials: Credentials
  /// AT_SECURE (getauxval(3)): this process has capabilities from its own file that whoever started
  /// it did not have.
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
  /// Whether the kernel makes sockets for IPv6 here (ipv6(7)); true where that was not asked.
  public var hasIPv6 = true
  /// The file of this process's program, which root executes again at the next start; empty where the
  /// kernel does not say.
  public var ownPath: ByteString
  /// What the command's name stands for on PATH.
  public var command: ProgramLookup
  /// The proxy's file; nil where the command is not `kong docker-start`.
  public var proxy: ProgramLookup?
  /// Whether /dev/stdout and /dev/stderr lead anywhere: they are links to /proc/self/fd.
  public var hasStreamPaths = true
  /// Standard output and standard error, in this order.
  public var streams: [StandardStream]
  /// The hook directory; nil where there is none, or none is asked for.
  public var hooks: HookDirectory?
  /// What Kong's own files say.
  public var files: KongFiles
  /// Why the prefix cannot be given away, where a dry run has found that out.
  public var prefixFailure: StartFailure?
  /// The prefix, where the user that Kong runs as may not write it as it is now; where it is not there,
  /// the nearest directory above it.
  public var unwritablePrefix: PathEntry?
  /// What else `kong prepare` will find in the prefix, and in /tmp.
  public var prefixState = PrefixState()
  /// The logs of ``Request/logFiles`` that this user cannot write.
  public var closedLogs: [NginxObstacle] = []
  /// Why that user cannot read the file that `-c` names; nil where it can.
  public var unreadableConfiguration: String?
  /// What the kernel has said to a change of nginx's file capabilities in this very start; nil where none
  /// was tried, or it worked.
  public var refusedWrite: RefusedWrite?
  /// How many processors can be used; nil where that does not matter.
  public var cpuLimit: CPULimit?
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
    ownPath: ByteString = "",
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
    self.ownPath = ownPath
    self.command = command
    self.proxy = proxy
    self.streams = streams
    self.hooks = hooks
    self.files = files
    self.secrets = secrets
  }
}
