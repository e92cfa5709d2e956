import EntrypointPlan
import EntrypointSystem
import Glibc

// give-prefix [--survey] PREFIX UID GID: gives it, prints the report's numbers and each exception.

var arguments = CommandLine.arguments.dropFirst()
let isSurvey = arguments.first == "--survey"
if isSurvey { arguments.removeFirst() }
let words = Array(arguments)
guard words.count == 3, let uid = UInt32(words[1]), let gid = UInt32(words[2]) else {
  print("usage: give-prefix [--survey] PREFIX UID GID")
  exit(ExitStatus.usage)
}
do throws(StartFailure) {
  let prefix = try Prefix(ByteString(words[0]))
  let report =
    try isSurvey
    ? PrefixOwnership.survey(prefix, for: uid, gid: gid)
    : PrefixOwnership.give(prefix, to: uid, gid: gid)
  print(
    "examined \(report.examined) changed \(report.changed) left \(report.leftCount)"
      + " refused \(report.refusedCount)\(report.created ? " created" : "")")
  for exception in report.left + report.refused {
    print("\(exception.path): \(exception.reason.text)")
  }
} catch {
  if let explanation = error.explanation { print("\(explanation.what): \(explanation.why)") }
  exit(error.status)
}
