package import Capabilities
package import Kong
package import Text

/// Everything about the machine that a plan depends on, read once, before anything is changed.
package struct HostSnapshot: Equatable, Sendable {
  /// Who this process is and what it may do.
  package var credentials: Credentials
  /// This process has capabilities from its own file that whoever started it did not have (AT_SECURE,
  /// getauxval(3)).
  package var secureExecution: Bool
  /// The capabilities of the running kernel.
  package var capabilityNames: CapabilityNames
  /// /etc/passwd and /etc/group.
  package var accounts: Accounts
  /// net.ipv4.ip_unprivileged_port_start of this network namespace (ip(7)).
  package var unprivilegedPortStart: Int
  /// Whether capabilities of this user namespace count in this network namespace
  /// (user_namespaces(7)).
  package var ownsNetwork: Bool
  /// Whether the kernel makes sockets for IPv6 here (ipv6(7)); true where that was not asked.
  package var hasIPv6 = true
  /// The file of this process's program, which root executes again at the next start; empty where the
  /// kernel does not say.
  package var ownPath: ByteString
  /// The same file, if its capabilities may explain what this process lacks; otherwise nil.
  package var ownFile: ProgramFile?
  /// Whether this is the network namespace of the host, whose sysctls no container may set.
  package var isHostNetwork = false
  /// What the command's name stands for on PATH.
  package var command: ProgramLookup
  /// The proxy's file; nil where the command is not `kong docker-start`.
  package var proxy: ProgramLookup?
  /// Whether /dev/stdout and /dev/stderr lead anywhere: they are links to /proc/self/fd.
  package var hasStreamPaths = true
  /// Standard output and standard error, in this order.
  package var streams: [StandardStream]
  /// The hook directory; nil where there is none, or none is asked for.
  package var hooks: HookDirectory?
  /// What Kong's own files say.
  package var files: KongFiles
  /// What cannot be done with the files of `kong docker-start`, in the order in which it would be tried.
  package var denials: [Denial] = []
  /// What an earlier start left in the prefix that `kong prepare` may fail at.
  package var prefixState = PrefixState()
  /// What the kernel has said to a change of nginx's file capabilities in this very start; nil where none
  /// was tried, or it worked.
  package var refusedWrite: RefusedWrite?
  /// How many processors can be used; nil where that does not matter.
  package var cpuLimit: CPULimit?
  /// What is in the files that KONG_*_FILE name, or why it cannot be known.
  package var secrets: Secrets

  /// Creates a snapshot from its parts.
  package init(
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
    secrets: Secrets = .known([])
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

extension HostSnapshot {
  /// Whether entrypoint's own file carries cap_net_bind_service, as far as that is known.
  ///
  /// Secure execution shows it in a process that has the capability; otherwise the file was read.
  var ownFileBindsPorts: Bool {
    let bind = Capability.netBindService
    return secureExecution && credentials.permitted.contains(bind)
      || ownFile?.capabilitiesHonoredAtExec?.permitted.contains(bind) == true
  }
}
