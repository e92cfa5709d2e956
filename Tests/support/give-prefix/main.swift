import Kong
import Linux
import Start
import Text
import CLinux

// give-prefix PREFIX UID GID: makes that user the owner, prints the report's numbers and each
// exception.

let words = CStrings(execve_arguments()).bytes.map { $0.description }
guard words.count == 4, let uid = UInt32(words[2]), let gid = UInt32(words[3]) else {
  print("usage: give-prefix PREFIX UID GID")
  exit(ExitStatus.usage)
}
do throws(StartFailure) {
  let report = try PrefixOwnership.give(Prefix(ByteString(words[1])), to: uid, gid: gid)
  print(
    "examined \(report.examined) changed \(report.changed) left \(report.left.count)"
      + " refused \(report.refused.count)")
  for exception in report.left.shown + report.refused.shown {
    print("\(exception.path): \(exception.reason.text)")
  }
} catch {
  if let explanation = error.explanation { print("\(explanation.what): \(explanation.why)") }
  exit(error.status)
}
