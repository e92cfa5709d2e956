import CExecve
import EntrypointPlan
import EntrypointSystem

// Read -> decide -> print or act. When the first argument is a command, nothing of ArgumentParser or
// Foundation runs.
let arguments = Array(CStrings(execve_arguments()).bytes.dropFirst())
let environment = EnvironmentBlock(CStrings(execve_environment()))

if let first = arguments.first, first.bytes.first != UInt8(ascii: "-") {
  Start(command: arguments, environment: environment).run()
} else {
  EntrypointCommand.run(arguments, environment: environment)
}
