import Kong
import Nginx
import Text

extension Request {
  /// What in the environment, Kong's files or the secrets is most likely a mistake.
  func warnings(files: KongFiles, secrets: [ResolvedSecret]) -> [Explanation] {
    var warnings = environment.unknownVariables
    if stopPolicy == nil { warnings += environment.unusedStopVariables }
    for secret in secrets { warnings += secret.warnings }
    if !isKong, let kong = WrappedKong(command) {
      warnings += kong.warnings(secrets: environment.namesOfSecretFiles)
    }
    if let defaults = files.defaults { warnings += environment.unknownSecretReferences(defaults) }
    if isDockerStart, let defaults = files.defaults {
      warnings += environment.emptyDirectiveWarnings(defaults)
      warnings += environment.misspeltListenWarnings(defaults)
    }
    if let file = files.configuration, let other = file.configuration.prefix,
      environment.nonEmpty("KONG_PREFIX") == nil, Prefix.withoutLastSlash(other) != prefix
    {
      warnings.append(
        Explanation(
          what:
            "prefix = \(other.shortened) in \(file.path) does not count: Kong works in \(prefix)",
          why: "entrypoint gives it to kong prepare with -p, which overrides the file",
          waysOut: ["set KONG_PREFIX=\(other)", "remove it from \(file.path)"]))
    }
    return warnings
  }
}
