package import Text
import Glibc

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
