import CLinux
import EntrypointPlan

extension CapabilityNames {
  /// The capabilities of the running kernel, named by libcap (cap_to_name(3)).
  public static func ofRunningKernel() -> CapabilityNames {
    // cap_get_bound(3) fails for the first number that the kernel does not know.
    CapabilityNames(
      (CInt(0)..<64).prefix { cap_get_bound($0) >= 0 }.map { number in
        guard let name = cap_to_name(number) else { return String(number) }
        defer { cap_free(name) }
        return String(cString: name)
      })
  }
}
