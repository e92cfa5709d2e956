import Text
package import Kong
package import Nginx

extension KongFiles {
  /// Reads the kong.conf that `kong prepare` will read, and what its settings and the environment's
  /// include into nginx's configuration.
  ///
  /// - Parameters:
  ///   - isRoot: whether nginx will run as root.
  ///   - files: reads files with the rights of the user that Kong runs as.
  package init(for request: Request, isRoot: Bool, files: NginxFiles) {
    self.init()
    readConfiguration(request.configurationPath, files)
    template = request.templatePath
    injected = InjectedListeners(
      InjectedDirective.all(request.environment, configuration), prefix: request.prefix,
      isRoot: isRoot, files: files)
  }

  /// What is known where they could not be read.
  ///
  /// - Parameter reason: a phrase.
  package init(unreadFor request: Request, reason: String) {
    self.init()
    unread = UnreadFile(path: request.configurationPath ?? "kong.conf", reason: reason)
    template = request.templatePath
  }

  /// The same, as an untrusted process read it: what the request itself says comes from the
  /// request.
  package func believed(for request: Request, isRoot: Bool) -> KongFiles {
    var files = self
    files.template = request.templatePath
    let none = NginxFiles(matching: { _ in nil }, read: { _, _ in .absent })
    let known = InjectedListeners(
      InjectedDirective.all(request.environment, nil), prefix: request.prefix, isRoot: isRoot,
      files: none)
    files.injected = injected?.believed(asFarAs: known)
    return files
  }
}
