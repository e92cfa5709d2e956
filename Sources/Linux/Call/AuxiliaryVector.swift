import Text
import CLinux

/// What the kernel told this program when it began (getauxval(3)).
enum AuxiliaryVector {
  /// Whether this is a secure execution (AT_SECURE).
  static var isSecure: Bool { getauxval(UInt(AT_SECURE)) != 0 }

  /// The path that this program was executed by (AT_EXECFN).
  static var path: ByteString? {
    unsafe UnsafePointer<CChar>(bitPattern: getauxval(UInt(AT_EXECFN))).map {
      unsafe ByteString(cString: $0)
    }
  }
}
