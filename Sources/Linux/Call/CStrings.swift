package import Text
import CLinux

/// A list of C strings that ends with a null pointer, as execve(2) takes and gives them.
package struct CStrings: Sequence {
  /// The strings; nothing is copied.
  package typealias Pointers = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

  private let first: Pointers?

  /// Wraps a list, which must outlive this value.
  package init(_ first: Pointers?) {
    self.first = first
  }

  /// Goes through the strings in order.
  package struct Iterator: IteratorProtocol {
    fileprivate var position: Pointers?

    /// The next string, nil at the end.
    package mutating func next() -> UnsafeMutablePointer<CChar>? {
      defer { position = position?.advanced(by: 1) }
      return position?.pointee
    }
  }

  /// Goes through the strings in order.
  package func makeIterator() -> Iterator {
    Iterator(position: first)
  }

  /// The strings, copied as bytes.
  package var bytes: [ByteString] { map { ByteString(cString: $0) } }
}

/// A list of C strings for execve(2), with a null pointer at its end; it lives until then, or until the
/// process ends.
struct OwnedStrings {
  private(set) var pointers: [UnsafeMutablePointer<CChar>?]

  /// Copies the strings (strdup(3)).
  init(_ strings: [ByteString]) {
    pointers = strings.map { $0.withCString { strdup($0) } }
    pointers.append(nil)
  }

  /// Takes strings as they are, and adds copies of others.
  init(_ strings: [UnsafeMutablePointer<CChar>], adding others: [ByteString]) {
    self.init(others)
    pointers = strings.map { Optional($0) } + pointers
  }

  /// The strings, copied as bytes.
  var bytes: [ByteString] { pointers.compactMap { $0.map { ByteString(cString: $0) } } }
}
