import Text

/// What a program does not get to see that has capabilities from its file: in a secure execution
/// (AT_SECURE, getauxval(3)) glibc takes its variables out of the environment, or no notice of them
/// (ld.so(8), "Secure-execution mode"; sysdeps/generic/unsecvars.h), and OpenSSL and jemalloc, which
/// ask with secure_getenv(3), do not find theirs.
package enum SecureExecution {
  /// Whether a variable of this name counts for nothing then.
  ///
  /// This is asked of every variable there is, so most are told by their first byte.
  static func ignores(_ name: Span<UInt8>) -> Bool {
    if name.isEmpty { return false }
    return switch name[0] {
    case UInt8(ascii: "L"):
      isOne(
        name, of: "LD_LIBRARY_PATH", "LD_PRELOAD", "LD_AUDIT", "LD_DEBUG", "LD_DEBUG_OUTPUT",
        "LD_DYNAMIC_WEAK", "LD_HWCAP_MASK", "LD_ORIGIN_PATH", "LD_PROFILE", "LD_SHOW_AUXV",
        "LOCALDOMAIN", "LOCPATH")
    case UInt8(ascii: "M"):
      isOne(
        name, of: "MALLOC_ARENA_MAX", "MALLOC_ARENA_TEST", "MALLOC_CONF", "MALLOC_MMAP_MAX_",
        "MALLOC_MMAP_THRESHOLD_", "MALLOC_PERTURB_", "MALLOC_TOP_PAD_", "MALLOC_TRACE",
        "MALLOC_TRIM_THRESHOLD_")
    case UInt8(ascii: "G"): isOne(name, of: "GCONV_PATH", "GETCONF_DIR", "GLIBC_TUNABLES")
    case UInt8(ascii: "N"): isOne(name, of: "NIS_PATH", "NLSPATH")
    case UInt8(ascii: "R"): isOne(name, of: "RANDFILE", "RESOLV_HOST_CONF", "RES_OPTIONS")
    case UInt8(ascii: "T"): isOne(name, of: "TMPDIR", "TZDIR")
    case UInt8(ascii: "H"): isOne(name, of: "HOSTALIASES")
    case UInt8(ascii: "C"): isOne(name, of: "CTLOG_FILE")
    case UInt8(ascii: "S"): isOne(name, of: "SSL_CERT_DIR", "SSL_CERT_FILE")
    case UInt8(ascii: "O"):
      isOne(
        name, of: "OPENSSL_CONF", "OPENSSL_CONF_INCLUDE", "OPENSSL_ENGINES", "OPENSSL_MODULES")
    default: false
    }
  }

  private static func isOne(_ name: Span<UInt8>, of others: String...) -> Bool {
    for other in others where name.equals(other) { return true }
    return false
  }
}

extension Environment {
  /// The variables that are set and that a secure execution ignores.
  package var ignoredInSecureExecution: [String] {
    variables.compactMap { variable in
      !variable.value.isEmpty && SecureExecution.ignores(variable.name.utf8.span)
        ? variable.name : nil
    }
  }
}
