import Plan
import Text
import Testing

@Suite("The origin of a file")
struct FilePlaceTests {
  /// The mounts of containerd and Docker: an overlay, volumes of the kubelet and of the engine, and
  /// a tmpfs.
  private static let mounts = """
    100 90 0:50 / / rw,relatime master:1 - overlay overlay rw,lowerdir=/a:/b
    101 100 0:51 / /proc rw,nosuid shared:3 master:2 - proc proc rw
    102 100 8:1 /var/lib/kubelet/pods/0a1b/volumes/kubernetes.io~empty-dir/prefix /kong_prefix rw - ext4 /dev/sda1 rw
    103 100 8:1 /var/lib/docker/volumes/logs/_data /usr/local/kong/logs rw - ext4 /dev/sda1 rw
    104 100 0:60 / /tmp rw,nosuid - tmpfs tmpfs rw
    105 100 8:1 /srv/with\\040blank /srv/with\\040blank rw - ext4 /dev/sda1 rw
    106 100 0:61 /sub /covered rw - tmpfs tmpfs rw
    107 100 8:1 /pods/0a1b/volumes/kubernetes.io~configmap/x /covered rw - ext4 /dev/sda1 rw
    108 100 8:2 / /claim rw

    """

  @Test(
    "is known from its mount",
    arguments: [
      ("/usr/local/kong", .image), ("/usr/local/kong/logs", .mount),
      ("/usr/local/kong/logs/error.log", .mount), ("/usr/local/kong/logs2", .image),
      ("/kong_prefix/logs", .kubernetesVolume), ("/tmp/x", .memory), ("/srv/with blank/x", .mount),
      ("/covered/x", .kubernetesVolume), ("/claim/x", .image),
    ] as [(ByteString, FilePlace)])
  func mount(path: ByteString, place: FilePlace) {
    #expect(FilePlace(of: path, mounts: Array(Self.mounts.utf8)) == place)
  }

  @Test(
    "is unknown without a list of mounts, or with an invalid one",
    arguments: ["", "\n\n", "1 2 3 4 5 6 7", "100 90 0:50 / / rw -", "a b c d / f g - "])
  func unknown(mounts: String) {
    #expect(FilePlace(of: "/usr/local/kong", mounts: Array(mounts.utf8)) == .unknown)
  }
}
