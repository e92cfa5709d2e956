package import Text

/// Kong's working directory, as a path that root may give away.
///
/// Root changes owners below it, so a path into the system's directories, a relative path, and one with
/// //, /./ or /../ is refused.
package struct Prefix: Hashable, Sendable {
  /// An absolute path without empty, "." and ".." components, and without a slash at the end.
  package let path: ByteString

  /// Where Kong works unless KONG_PREFIX says otherwise.
  package static let standard = Prefix(unchecked: "/usr/local/kong")

  private init(unchecked path: ByteString) {
    self.path = path
  }

  /// Checks a value of KONG_PREFIX.
  ///
  /// - Parameters:
  ///   - value: the value; not empty, which counts as not set.
  ///   - programs: absolute paths of what runs as root or with capabilities: the prefix must not have
  ///     them in it, or its owner could replace them.
  /// - Throws: ``StartFailure`` with ``ExitStatus/configuration``.
  package init(
    _ value: ByteString, outside programs: [ByteString] = []
  ) throws(StartFailure) {
    path = value
    if let fault = Prefix.fault(value) { throw fault.failure(value) }
    if let program = programs.first(where: contains) {
      throw Fault.holdsProgram(program).failure(value)
    }
  }

  /// A value without one trailing slash, which Kong's documentation writes.
  ///
  /// "/" stays unchanged.
  package static func withoutLastSlash(_ value: ByteString) -> ByteString {
    let name = value.bytes.dropLast()
    return value.bytes.last == slash && name.last != slash && !name.isEmpty
      ? ByteString(Array(name)) : value
  }

  /// The names between the slashes.
  package var components: [ByteString] {
    path.bytes.split(separator: Prefix.slash).map { ByteString(Array($0)) }
  }

  /// Whether an absolute path without "." and ".." is below the prefix, going by its text.
  package func contains(_ other: ByteString) -> Bool {
    Prefix.isBelow(other.bytes, path.bytes)
  }

  // MARK: what is refused

  fileprivate enum Fault {
    case tooLong
    case relative
    case reference
    case notCanonical(plain: ByteString?)
    case system(ByteString)
    case holdsProgram(ByteString)
  }

  private static let slash = UInt8(ascii: "/")

  /// The longest path in bytes for which a system call takes the path of what nginx reads in it: PATH_MAX
  /// of linux/limits.h counts the NUL at the end.
  private static let longest = 4096 - "/nginx.conf".utf8.count - 1
  /// NAME_MAX of linux/limits.h, in bytes.
  private static let longestName = 255

  private static func fault(_ value: ByteString) -> Fault? {
    let longestName = value.bytes.split(separator: slash).map { $0.count }.max() ?? 0
    if value.bytes.count > longest || longestName > Prefix.longestName { return .tooLong }
    guard value.bytes.first == slash else {
      return ListenParser.isReference(luaTrimmed(value.bytes[...])) ? .reference : .relative
    }
    if value.bytes.count > 1 {
      let names = value.bytes.dropFirst().split(separator: slash, omittingEmptySubsequences: false)
      if names.contains(where: { $0.isEmpty || isDots($0) }) {
        return .notCanonical(plain: plain(names))
      }
    }
    return holder(of: value.bytes).map { .system(ByteString($0)) }
  }

  /// The system's directory that a path is, or is in; of those that it is in, the nearest counts.
  private static func holder(of path: [UInt8]) -> String? {
    let directories = shared + whole
    if let same = directories.first(where: { path.equals($0) }) { return same }
    let above = directories.filter { isBelow(path, $0.utf8) }
    guard let nearest = above.max(by: { $0.utf8.count < $1.utf8.count }) else { return nil }
    return whole.contains(nearest) ? nearest : nil
  }

  /// The same path without empty and "." components; nil where a ".." makes it depend on links.
  private static func plain(_ names: [ArraySlice<UInt8>]) -> ByteString? {
    if names.contains(where: { $0.elementsEqual("..".utf8) }) { return nil }
    let kept = names.filter { !$0.isEmpty && !isDots($0) }
    return kept.isEmpty ? nil : ByteString(kept.flatMap { [slash] + $0 })
  }

  private static func isDots(_ name: ArraySlice<UInt8>) -> Bool {
    name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8)
  }

  private static func isBelow(_ path: [UInt8], _ directory: some Collection<UInt8>) -> Bool {
    path.count > directory.count && path[directory.count] == slash && path.starts(with: directory)
  }

  /// The directories that hold others' directories (hier(7), FHS 3.0): one of those may be a prefix,
  /// these themselves may not.
  private static let shared = [
    "/", "/home", "/media", "/mnt", "/opt", "/run", "/srv", "/tmp", "/usr/local", "/dev/shm",
    "/run/lock", "/var", "/var/cache", "/var/lib", "/var/local", "/var/lock", "/var/log",
    "/var/opt", "/var/run", "/var/spool", "/var/tmp",
  ]

  /// The directories that belong to the system with all that is in them.
  ///
  /// Among them /etc/kong: kong.conf has a say in what capabilities nginx gets, so the user that runs
  /// nginx must not own it. And /usr/local/openresty: nginx, which file capabilities are written to.
  private static let whole = [
    "/bin", "/boot", "/dev", "/docker-entrypoint.d", "/etc", "/gnu", "/lib", "/lib32", "/lib64",
    "/libx32", "/lost+found", "/nix", "/proc", "/root", "/sbin", "/sys", "/usr", "/run/secrets",
    "/run/systemd", "/var/backups",
    "/var/lib/apt", "/var/lib/dpkg", "/var/lib/pam", "/var/lib/rpm", "/var/lib/systemd",
    "/var/mail", "/var/run/secrets", "/var/spool/cron",
    "/usr/local/bin", "/usr/local/etc", "/usr/local/games", "/usr/local/include", "/usr/local/lib",
    "/usr/local/lib32", "/usr/local/lib64", "/usr/local/libexec", "/usr/local/man",
    "/usr/local/openresty", "/usr/local/sbin", "/usr/local/share", "/usr/local/src",
  ]
}

extension Prefix.Fault {
  /// The fault as the end of a start.
  fileprivate func failure(_ value: ByteString) -> StartFailure {
    let example = "KONG_PREFIX=\(Prefix.standard.path)"
    var waysOut = [
      "choose a directory that only Kong uses: \(example), or /srv/kong on a volume",
      "unset KONG_PREFIX: Kong then uses \(Prefix.standard.path)",
    ]
    if case .notCanonical(let plain?) = self { waysOut = ["KONG_PREFIX=\(plain)"] }
    return StartFailure(
      status: ExitStatus.configuration,
      what: "KONG_PREFIX=\(shown(value)) cannot be Kong's working directory", why: reason,
      waysOut: waysOut)
  }

  /// The value, cut if it is too long, so that the reason stays visible.
  private func shown(_ value: ByteString) -> String {
    guard case .tooLong = self else { return value.description }
    return "\(ByteString(Array(value.bytes.prefix(60))))... (\(value.bytes.count) bytes)"
  }

  private var reason: String {
    switch self {
    case .tooLong:
      "the kernel accepts paths of up to 4095 bytes, including /nginx.conf, and names of up to 255"
    case .relative:
      "it does not begin with a slash, so it depends on the current directory"
    case .reference:
      "it is a reference to a vault, which only Kong resolves: entrypoint gives the directory to Kong's"
        + " user, and its path to nginx, before Kong has run"
    case .notCanonical:
      "it must be an absolute path without //, /./ or /../"
    case .system(let directory):
      "only Kong may use it, but \(directory) belongs to the system"
    case .holdsProgram(let program):
      "\(program) is in it, so Kong's user could replace a program that runs with more rights"
    }
  }
}
