/// The ids that exist in the user namespace of this process (user_namespaces(7)).
enum UserNamespace {
  /// Looks for an unmapped id, after a call with these ids has failed.
  ///
  /// fchown(2) to an unmapped id fails with EINVAL, whoever calls it. /proc/self/uid_map may not exist.
  ///
  /// - Parameters:
  ///   - uid: nil for none.
  ///   - call: what failed, for the message.
  /// - Throws: ``SystemCallFailure`` that names the first such id.
  static func check(
    uid: UInt32? = nil, groups: [UInt32] = [], call: String
  ) throws(SystemCallFailure) {
    let pipe: Pipe
    do throws(Errno) { pipe = try Pipe() } catch { return }
    if let uid, isUnmapped(pipe.readEnd, uid: uid) { throw unmapped("uid", uid, call) }
    for gid in groups where isUnmapped(pipe.readEnd, gid: gid) {
      throw unmapped("gid", gid, call)
    }
  }

  private static func isUnmapped(
    _ file: borrowing Descriptor, uid: UInt32? = nil, gid: UInt32? = nil
  ) -> Bool {
    do throws(Errno) { try file.give(to: uid, group: gid) } catch {
      return error == .invalidArgument
    }
    return false
  }

  private static func unmapped(_ kind: String, _ id: UInt32, _ call: String) -> SystemCallFailure {
    SystemCallFailure(
      call, .invalidArgument,
      cause: SystemCallFailure.Cause(
        why:
          "the \(kind) \(id) does not exist in this container's user namespace: it is not mapped to an"
          + " id of the host (/proc/self/\(kind)_map)",
        waysOut: [
          "give the container more ids: /etc/sub\(kind) on the host, docker's userns-remap, podman"
            + " --\(kind)map or --userns=auto:size=N",
          "name a user that exists there: --user, ENTRYPOINT_USER, or another id in the image's"
            + " /etc/passwd",
        ]))
  }
}
