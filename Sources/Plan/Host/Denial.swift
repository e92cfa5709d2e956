package import Nginx
package import Text

/// Something that a start needs to do with a file and cannot do.
///
/// It is found out beforehand, with the rights of the user that Kong runs as, unless the case says
/// otherwise.
package enum Denial: Equatable, Sendable {
  /// Root cannot go the way to the prefix to give it to the user.
  case givingPrefix(StartFailure)
  /// Work in ``PrefixState/temporary``.
  case usingTemporary(AccessRefusal)
  /// Make the prefix, which is not there, in the nearest directory above it that is.
  case makingPrefix(in: PathEntry)
  /// Write the prefix. Some versions of Kong can do without, if they may write the settings of an earlier
  /// start.
  case writingPrefix(PathEntry, hasWritableSettings: Bool)
  /// Make what every Kong makes in one of ``PrefixState/directories``.
  case writingDirectory(PathEntry)
  /// Write ``PrefixState/errorLog``, a regular file.
  case writingErrorLog(PathEntry)
  /// Read ``PrefixState/settings``.
  case readingSettings(PathEntry)
  /// Write these of ``PrefixState/written``, which are there; one at least.
  case writingFiles([PathEntry])
  /// Read the file that `-c` names, for this reason.
  case readingConfiguration(String)
  /// Write one of ``Request/logFiles``.
  case writingLog(NginxFileUse, AccessRefusal)
}

/// Why a file or a directory cannot be used.
package enum AccessRefusal: Equatable, Sendable {
  /// It is not there; nor, where it is to be made, is the directory above it.
  case missing
  /// Its mount is read-only.
  case readOnly
  /// The file, or a directory on the way to it, is another's.
  case denied(PathEntry)
  /// Nothing more is known.
  case unreachable
}
