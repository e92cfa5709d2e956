import Kong
package import Nginx
import Text

extension Request {
  /// The files that KONG_X_LOG name, for nginx to write.
  package var logFiles: [NginxFileUse] {
    environment.variables.compactMap { variable in
      guard Environment.isLogSetting(variable.name),
        // The name of a format may follow.
        let word = variable.value.bytes.split(separator: UInt8(ascii: " ")).first,
        let path = NginxFileUses.path(in: ByteString(Array(word)), for: .write),
        path.bytes.first != UInt8(ascii: "{")
      else { return nil }
      return NginxFileUse(
        path: path.bytes.first == UInt8(ascii: "/") ? path : prefix + "/" + path, purpose: .write,
        directive: variable.name, source: "")
    }
  }
}
