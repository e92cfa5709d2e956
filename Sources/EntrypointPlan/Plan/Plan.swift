/// How the command gets its capabilities.
public enum Grant: Equatable, Sendable {
  /// It needs none, or has them already.
  case none
  /// From its file, which carries exactly these.
  case file(CapabilitySet, path: ByteString)
  /// As ambient capabilities.
  case ambient(CapabilitySet)

  /// The word for it in options and reports.
  public var mode: String {
    switch self {
    case .none: "none"
    case .file: "file"
    case .ambient: "ambient"
    }
  }
}

/// What a `kong` command gets for its `nginx -t`, which binds every listener.
public struct PrepareGrant: Equatable, Sendable {
  /// How that nginx gets cap_net_bind_service.
  public var grant: Grant
  /// Why, or why not.
  public var reason: String

  /// What is granted: cap_net_bind_service or nothing.
  var capabilities: CapabilitySet {
    switch grant {
    case .none: []
    case .file(let set, _), .ambient(let set): set
    }
  }
}

/// All that a start will do, decided beforehand.
public struct Plan: Equatable, Sendable {
  /// The command as it was given.
  public var command: [ByteString]
  /// The user that it runs as.
  public var user: TargetUser?
  /// The settings whose values come from files.
  public var secrets: [SecretSetting] = []
  /// Every address that Kong is told to listen on.
  public var listeners: [Listener] = []
  /// What the command needs, sorted by number.
  public var needs: [Need] = []
  /// How it gets that.
  public var grant: Grant = .none
  /// What `kong prepare` gets, or another `kong` command; nil where it binds nothing.
  public var prepareGrant: PrepareGrant?
  /// What `kong prepare` has once it runs; nil where it does not run.
  public var prepareResult: Credentials?
  /// How many workers nginx has because of a limit; nil where that is for Kong to say.
  public var workers: WorkerProcesses?
  /// The steps up to and including `kong prepare`.
  public var prepare: [Step] = []
  /// The steps from there to the exec of the command.
  public var launch: [Step] = []
  /// What the command has once it runs.
  public var result: Credentials?
  /// Whether the dynamic linker runs it in secure-execution mode (ld.so(8)).
  public var secureExecution = false
  /// What will not be as asked up to `kong prepare`, though the start goes on.
  public var prepareWarnings: [Explanation] = []
  /// What will not be as asked from there on.
  ///
  /// It can look different once `kong prepare` has run and the listeners are known, so it is for the
  /// launch to say.
  public var launchWarnings: [Explanation] = []
  /// What is left undone because it cannot be done here, though nothing is lost by it.
  public var notes: [String] = []
  /// Why the plan cannot succeed here; nil if it can.
  public var failure: StartFailure?

  /// What will not be as asked, all in all.
  public var warnings: [Explanation] { prepareWarnings + launchWarnings }

  /// An empty plan for a command.
  public init(command: [ByteString]) {
    self.command = command
  }
}
