import Capabilities
import Kong
import Nginx
import Plan
import Preflight
import Text

// The checks of what a start needs of the machine: processors, memory, space.

extension PreflightChecks {
  /// The number of workers.
  func workers() -> [Finding] {
    let limit = cpuLimit
    return withSizes(.workers) { sizes in
      WorkersCheck.verdict(
        WorkerCount.of(start, running: sizes, online: limit.online), limit: limit)
    }
  }

  /// The memory limit.
  func memory() -> [Finding] {
    let limit = MemoryLimit.read()
    let online = cpuLimit.online
    return withSizes(.memory) { sizes in
      MemoryCheck.verdict(
        limit: limit, WorkerCount.of(start, running: sizes, online: online),
        SharedMemory.of(start, running: sizes))
    }
  }

  /// The file system of the prefix.
  func prefix() -> [Finding] {
    let path = start.request.prefix
    return asUser(.prefix) {
      let space: PrefixSpace
      do throws(Errno) { space = try .read(path, as: user) } catch {
        return [Finding(.prefix, .skipped("\(path.shortened): \(error.description)"))]
      }
      let problems = PrefixCheck.problems(start, space)
      return (problems.isEmpty ? [.passed] : problems).map { Finding(.prefix, $0) }
    }
  }

  private var cpuLimit: CPULimit { start.snapshot.cpuLimit ?? .read() }

  /// Finds something with the configuration of the Kong that runs, or with nil before a start.
  private func withSizes(
    _ name: CheckName, _ verdict: (NginxSizes?) -> Finding.Verdict
  ) -> [Finding] {
    guard nginx != nil else { return [Finding(name, verdict(nil))] }
    return asUser(name) {
      let main = start.request.prefix + "/nginx.conf"
      return [Finding(name, verdict(NginxSizes(main: main, files: .ofAnybody())))]
    }
  }
}

extension PrefixSpace {
  /// Looks at the prefix, or at the directory where it will be made.
  ///
  /// The current rights for files must be those of Kong's user.
  fileprivate static func read(
    _ prefix: ByteString, as user: TargetUser
  ) throws(Errno) -> PrefixSpace {
    var path = prefix
    var space: FileSystemSpace?
    while space == nil {
      do throws(Errno) { space = try FileSystemSpace(of: path) } catch {
        guard error == .noSuchFileOrDirectory, path.bytes.count > 1 else { throw error }
        let above = path.bytes.dropLast(
          path.bytes.reversed().prefix { $0 != UInt8(ascii: "/") }.count)
        path = above.count > 1 ? ByteString(Array(above.dropLast())) : "/"
      }
    }
    guard let space else { throw .noSuchFileOrDirectory }
    let isRoot = user.uid == 0
    return PrefixSpace(
      bytes: Amount(all: space.bytes, free: isRoot ? space.freeBytes : space.availableBytes),
      files: Amount(all: space.files, free: isRoot ? space.freeFiles : space.availableFiles),
      isReadOnly: space.flags.isReadOnly, isNoExec: space.flags.isNoExec,
      isPrepared: FileAccess.refusal(prefix + "/nginx.conf", .exists) == nil)
  }
}
