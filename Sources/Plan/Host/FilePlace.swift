package import Text

/// Where a file comes from, as far as it matters to who can change its owner.
package enum FilePlace: Equatable, Sendable {
  /// The container's root file system: the image, or what this container has written.
  case image
  /// A volume that the kubelet manages: emptyDir, a claim, a Secret.
  case kubernetesVolume
  /// A file system in memory of its own (docker run --tmpfs).
  case memory
  /// Another mount: a directory of the host, or a volume of the engine.
  case mount
  /// The kernel does not say.
  case unknown

  /// Finds the mount that a path is on.
  ///
  /// - Parameters:
  ///   - path: absolute, without links.
  ///   - mounts: the contents of /proc/self/mountinfo (proc_pid_mountinfo(5)).
  package init(of path: ByteString, mounts: [UInt8]) {
    self = .unknown
    var longest = 0
    for line in mounts.split(separator: UInt8(ascii: "\n")) {
      let fields = line.split(separator: UInt8(ascii: " "))
      // Optional fields end with "-", and the type of the file system follows.
      guard fields.count > 6, let end = fields.dropFirst(6).firstIndex(of: [UInt8(ascii: "-")]),
        end + 1 < fields.count
      else { continue }
      let point = FilePlace.unescaped(fields[4])
      // Of two mounts at one place the later covers the other.
      guard point.count >= longest, FilePlace.isAt(path.bytes, orBelow: point) else { continue }
      longest = point.count
      self = FilePlace(point: point, root: FilePlace.unescaped(fields[3]), type: fields[end + 1])
    }
  }

  private init(point: [UInt8], root: [UInt8], type: ArraySlice<UInt8>) {
    if point == [UInt8(ascii: "/")] {
      self = .image
    } else if FilePlace.isOfKubernetes(root) {
      self = .kubernetesVolume
    } else if type.elementsEqual("tmpfs".utf8), root == [UInt8(ascii: "/")] {
      self = .memory
    } else {
      self = .mount
    }
  }

  /// Whether the kubelet manages a directory of the host: .../pods/UID/volumes/kubernetes.io~TYPE/NAME.
  ///
  /// A separate file system shows only the end of that path.
  private static func isOfKubernetes(_ root: [UInt8]) -> Bool {
    root.split(separator: UInt8(ascii: "/")).contains { $0.starts(with: "kubernetes.io~".utf8) }
  }

  private static func isAt(_ path: [UInt8], orBelow point: [UInt8]) -> Bool {
    point == [UInt8(ascii: "/")]
      || path.starts(with: point)
        && (path.count == point.count || path[point.count] == UInt8(ascii: "/"))
  }

  /// A path without escapes: the kernel writes spaces and backslashes as "\040".
  private static func unescaped(_ field: ArraySlice<UInt8>) -> [UInt8] {
    guard field.contains(UInt8(ascii: "\\")) else { return Array(field) }
    var bytes: [UInt8] = []
    var rest = field
    while let byte = rest.popFirst() {
      let digits = rest.prefix(3)
      if byte == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy(isDigit) {
        bytes.append(digits.reduce(0) { $0 << 3 | ($1 & 7) })
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return bytes
  }
}

extension FilePlace {
  /// How the file is described, such as "part of the image"; nil where nothing is known.
  var description: String? {
    switch self {
    case .image: "part of the image"
    case .kubernetesVolume: "on a volume of Kubernetes"
    case .memory: "on a tmpfs"
    case .mount: "on a volume, or a directory of the host"
    case .unknown: nil
    }
  }

  /// The ways to give an entry to a user where it comes from.
  ///
  /// - Parameters:
  ///   - owner: the user and the group, as chown(1) takes them: "1337:0".
  ///   - group: a group of the user's.
  func waysToGive(_ path: ByteString, to owner: String, group: UInt32) -> [String] {
    let image = [
      "in the Dockerfile: COPY --chown=\(owner) for what is copied there, or, as root, RUN chown -R"
        + " \(owner) \(path)"
    ]
    // Kubernetes gives a volume as a whole; with OnRootMismatch it looks at its top only.
    let kubernetes = [
      "Kubernetes: securityContext.fsGroup: \(group) in the pod, which lets it write the volume, with"
        + " fsGroupChangePolicy: Always; a hostPath has to be given on the node: chown -R \(owner)"
    ]
    let mount = ["on the host, give what is mounted there: chown -R \(owner) DIRECTORY"]
    switch self {
    case .image: return image
    case .kubernetesVolume: return kubernetes
    case .memory:
      return [
        "docker run --tmpfs /tmp --env KONG_PREFIX=/tmp/kong (not another directory: unless it is in the"
          + " image, the user may be unable to write it after a restart)"
      ] + kubernetes
    case .mount: return mount + kubernetes
    case .unknown: return kubernetes + image + mount
    }
  }
}
