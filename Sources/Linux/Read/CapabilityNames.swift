package import Capabilities
import CLinux

extension CapabilityNames {
  /// The capabilities of the running kernel, named by libcap (cap_to_name(3)).
  package static func ofRunningKernel() -> CapabilityNames {
    CapabilityNames(
      (0..<cap_max_bits()).map { number in
        guard let name = cap_to_name(number) else { return String(number) }
        defer { cap_free(name) }
        return String(cString: name)
      })
  }
}
