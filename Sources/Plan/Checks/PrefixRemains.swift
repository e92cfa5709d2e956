import Kong
import Text

extension AccessCheck {
  /// Warns of what an earlier start has left, whoever owns it.
  var remains: [Explanation] {
    let state = basis.host.prefixState
    return (state.lacksCertificates ? [lostCertificates] : [])
      + (state.hasEmptyParameters ? [emptyParameters] : [])
  }

  private func path(_ name: ByteString) -> ByteString { prefix.path + "/" + name }

  private var lostCertificates: Explanation {
    let settings = path(PrefixState.settings)
    return Explanation(
      what: "\(settings) names certificates that do not exist: kong prepare may fail",
      why: "Kong 3 reads it before it makes certificates, and \(path(PrefixState.certificates)) is"
        + " not there",
      waysOut: ["remove \(settings) as well: kong prepare creates both again"])
  }

  private var emptyParameters: Explanation {
    let (settings, directory) = (path(PrefixState.settings), path(PrefixState.certificates))
    return Explanation(
      what: "\(path(PrefixState.parameters)) is empty: kong prepare may fail",
      why: "an earlier kong prepare could not write it, for example on a full disk, and a later"
        + " one keeps it",
      waysOut: ["remove both: rm -r \(directory) \(settings)"])
  }
}
