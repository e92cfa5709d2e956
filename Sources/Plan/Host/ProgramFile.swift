package import Capabilities
package import Text

/// The outcome of looking for a program.
package enum ProgramLookup: Equatable, Sendable {
  /// It is a regular file that somebody may execute.
  case found(ProgramFile)
  /// Nothing of that name is there.
  case absent
  /// Something is there that cannot be executed; `reason` says why, in words.
  case notExecutable(path: ByteString, reason: String)
  /// Something is there that is no regular file, such as a directory.
  case notRegular(path: ByteString)
}

extension StartFailure {
  /// A program is there, and cannot be executed.
  static func notExecutable(_ path: ByteString, why: String, waysOut: [String]) -> StartFailure {
    StartFailure(
      status: ExitStatus.notExecutable, what: "cannot execute \(path)", why: why, waysOut: waysOut)
  }

  /// The way out of everything that keeps a file from being executed.
  package static func wayToExecute(_ path: ByteString) -> String {
    "let this user execute it: chmod a+rx \(path), a+x for each directory above it, and mount it"
      + " without noexec"
  }
}

/// A program's file, as far as execve(2) and a grant look at it.
package struct ProgramFile: Equatable, Sendable {
  /// The path to exec; of a proxy, without symbolic links.
  package var path: ByteString
  /// Which file it is: before it is written to, another file could take its place.
  package var identity: FileIdentity
  /// The capabilities in its `security.capability` attribute, nil without one.
  package var capabilities: FileCapabilities?
  /// Whether the file system can hold that attribute.
  package var supportsAttributes: Bool
  /// The mount's options.
  package var mount: MountOptions
  /// It has the set-user-ID or set-group-ID bit.
  package var isSetID: Bool
  /// It begins with "#!": the kernel looks at the capabilities of its interpreter's file, not at
  /// its own.
  package var isScript: Bool
  /// Why it certainly cannot run; nil where that is not known.
  package var obstacle: ProgramObstacle?
  /// The first entry on the way to it through which users other than root could have led there, or
  /// could write it; nil if only root could.
  package var writableComponent: ByteString?

  /// Creates a description of a file.
  package init(
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
package struct FileIdentity: Equatable, Sendable {
  /// The device that holds it.
  package var device: UInt64
  /// Its number there.
  package var inode: UInt64
  /// When it was last changed, in nanoseconds of the file system's clock: inode numbers are reused.
  package var changeTime: Int64

  /// Creates an identity.
  package init(device: UInt64, inode: UInt64, changeTime: Int64 = 0) {
    self.device = device
    self.inode = inode
    self.changeTime = changeTime
  }
}

/// The options of a mount that matter to a grant (statvfs(3)).
package struct MountOptions: OptionSet, Hashable, Sendable {
  /// One bit for each option; the numbers are this type's own.
  package let rawValue: UInt8

  /// Creates options from their bits.
  package init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// Nothing can be written.
  package static let readOnly = MountOptions(rawValue: 1)
  /// The kernel ignores file capabilities and set-ID bits.
  package static let noSetID = MountOptions(rawValue: 2)
}
