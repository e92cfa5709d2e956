import Kong
import Text

/// The listeners that Kong's settings name, parsed once for all plans of a start, or why they cannot be.
enum ListenerReading {
  case known(ConfiguredListeners)
  case unknown(StartFailure)

  /// Parses the settings.
  init(_ request: Request, files: KongFiles) {
    do throws(StartFailure) {
      self = .known(try ConfiguredListeners(environment: request.environment, files: files))
    } catch {
      self = .unknown(error)
    }
  }

  /// The listeners.
  ///
  /// - Throws: ``StartFailure`` that says which setting is wrong.
  func get() throws(StartFailure) -> ConfiguredListeners {
    switch self {
    case .known(let listeners): return listeners
    case .unknown(let failure): throw failure
    }
  }
}
