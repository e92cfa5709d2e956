import Report
import Linux
import Settings
import Text
import Start

// Read -> decide -> print or act.
do throws(StartFailure) {
  let arguments = unsafe Array(CStrings(execve_arguments()).bytes.dropFirst())
  let environment = unsafe EnvironmentBlock(CStrings(execve_environment()))
  let refusal = first_instruction_failure()
  if refusal != 0 {
    let call = unsafe String(cString: first_instruction_failed_call())
    throw SystemCallFailure(firstInstruction: call, errno: refusal).failure
  }
  // Before this process reads anything that others could want to read in it.
  do {
    try ProcessAttribute.forbidTracing()
    try OwnFileCapabilities.layDown()
  } catch {
    throw error.failure
  }
  let invocation = try Invocation(arguments)
  let start = Start(invocation, environment: environment)
  switch invocation.action {
  case .start: start.run()
  case .dryRun(let format): DryRun(start: start, format: format).run()
  case .check(let format): Check(start: start, format: format).run()
  case .health: Health(start: start).run()
  case .help: try StandardOutput.write(HelpText.render())
  case .version: try StandardOutput.write(Version.text + "\n")
  }
  RunningProcess.exit(0)
} catch {
  Log(level: .info, format: .text).failure(error)
  RunningProcess.exit(error.status)
}
