import CLinux

/// The error of a system call, by its number (errno(3)).
package struct Errno: Error, Equatable, Sendable {
  /// One of the constants of errno.h.
  package let rawValue: Int32

  /// The error with a number.
  package init(rawValue: Int32) {
    self.rawValue = rawValue
  }

  /// The error of the call before, which has failed.
  static var last: Errno { Errno(rawValue: linux_errno()) }
}

extension Errno: CustomStringConvertible {
  /// Words for it: glibc's, as in the messages of nginx and Kong, and of most programs.
  package var description: String {
    if let words = usualWords { return words }
    guard let text = unsafe strerror(rawValue) else { return "error \(rawValue)" }
    return unsafe String(cString: text)
  }
}

extension Errno {
  /// glibc's words where musl, the release's C library, has others or none (strerror(3)).
  ///
  /// Errors that no call here gives are not among them.
  var usualWords: String? {
    switch rawValue {
    case EIO: "Input/output error"
    case ECHILD: "No child processes"
    case ENOMEM: "Cannot allocate memory"
    case EBUSY: "Device or resource busy"
    case EXDEV: "Invalid cross-device link"
    case EMFILE: "Too many open files"
    case ENOTTY: "Inappropriate ioctl for device"
    case ENAMETOOLONG: "File name too long"
    case ELOOP: "Too many levels of symbolic links"
    case EOVERFLOW: "Value too large for defined data type"
    case ENOTSUP: "Operation not supported"
    case EADDRINUSE: "Address already in use"
    case EADDRNOTAVAIL: "Cannot assign requested address"
    case ENETUNREACH: "Network is unreachable"
    case ENETRESET: "Network dropped connection on reset"
    case ECONNABORTED: "Software caused connection abort"
    case EISCONN: "Transport endpoint is already connected"
    case ENOTCONN: "Transport endpoint is not connected"
    case ETIMEDOUT: "Connection timed out"
    case EHOSTUNREACH: "No route to host"
    case EINPROGRESS: "Operation now in progress"
    case EUCLEAN: "Structure needs cleaning"
    case EDQUOT: "Disk quota exceeded"
    case ELIBACC: "Can not access a needed shared library"
    case ELIBBAD: "Accessing a corrupted shared library"
    default: nil
    }
  }
}

extension Errno {
  /// EACCES.
  package static let permissionDenied = Errno(rawValue: EACCES)
  /// EADDRINUSE.
  package static let addressInUse = Errno(rawValue: EADDRINUSE)
  /// EADDRNOTAVAIL.
  package static let addressNotAvailable = Errno(rawValue: EADDRNOTAVAIL)
  /// EAFNOSUPPORT.
  package static let addressFamilyNotSupported = Errno(rawValue: EAFNOSUPPORT)
  /// EALREADY.
  package static let alreadyInProgress = Errno(rawValue: EALREADY)
  /// EISCONN.
  package static let isConnected = Errno(rawValue: EISCONN)
  /// EINPROGRESS.
  package static let nowInProgress = Errno(rawValue: EINPROGRESS)
  /// EAGAIN.
  package static let resourceTemporarilyUnavailable = Errno(rawValue: EAGAIN)
  /// ECHILD.
  package static let noChildProcess = Errno(rawValue: ECHILD)
  /// ECONNREFUSED.
  package static let connectionRefused = Errno(rawValue: ECONNREFUSED)
  /// ECONNRESET.
  package static let connectionReset = Errno(rawValue: ECONNRESET)
  /// EDQUOT.
  package static let diskQuotaExceeded = Errno(rawValue: EDQUOT)
  /// EEXIST.
  package static let fileExists = Errno(rawValue: EEXIST)
  /// EHOSTUNREACH.
  package static let hostUnreachable = Errno(rawValue: EHOSTUNREACH)
  /// EINTR.
  package static let interrupted = Errno(rawValue: EINTR)
  /// EINVAL.
  package static let invalidArgument = Errno(rawValue: EINVAL)
  /// EIO.
  package static let ioError = Errno(rawValue: EIO)
  /// ELOOP.
  package static let tooManySymbolicLinkLevels = Errno(rawValue: ELOOP)
  /// EMFILE.
  package static let tooManyOpenFiles = Errno(rawValue: EMFILE)
  /// ENAMETOOLONG.
  package static let fileNameTooLong = Errno(rawValue: ENAMETOOLONG)
  /// ENFILE.
  package static let tooManyOpenFilesInSystem = Errno(rawValue: ENFILE)
  /// ENETUNREACH.
  package static let networkUnreachable = Errno(rawValue: ENETUNREACH)
  /// ENODATA.
  package static let noData = Errno(rawValue: ENODATA)
  /// ENOENT.
  package static let noSuchFileOrDirectory = Errno(rawValue: ENOENT)
  /// ENOEXEC.
  package static let execFormatError = Errno(rawValue: ENOEXEC)
  /// ENOMEM.
  package static let noMemory = Errno(rawValue: ENOMEM)
  /// ENOSPC.
  package static let noSpace = Errno(rawValue: ENOSPC)
  /// ENOSYS.
  package static let noFunction = Errno(rawValue: ENOSYS)
  /// ENOTDIR.
  package static let notDirectory = Errno(rawValue: ENOTDIR)
  /// ENOTSUP, which is EOPNOTSUPP.
  package static let notSupported = Errno(rawValue: ENOTSUP)
  /// ENOTTY.
  package static let inappropriateIOCTLForDevice = Errno(rawValue: ENOTTY)
  /// EOVERFLOW.
  package static let overflow = Errno(rawValue: EOVERFLOW)
  /// EPERM.
  package static let notPermitted = Errno(rawValue: EPERM)
  /// EPIPE.
  package static let brokenPipe = Errno(rawValue: EPIPE)
  /// EPROTOTYPE.
  package static let protocolWrongTypeForSocket = Errno(rawValue: EPROTOTYPE)
  /// EROFS.
  package static let readOnlyFileSystem = Errno(rawValue: EROFS)
  /// ESRCH.
  package static let noSuchProcess = Errno(rawValue: ESRCH)
  /// ESTALE.
  package static let staleNFSFileHandle = Errno(rawValue: ESTALE)
  /// ETIMEDOUT.
  package static let timedOut = Errno(rawValue: ETIMEDOUT)
  /// E2BIG.
  package static let argListTooLong = Errno(rawValue: E2BIG)
}
