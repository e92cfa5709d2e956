import EntrypointPlan
import Glibc

/// A list of C strings that ends with a null pointer, as execve(2) takes and gives them.
public struct CStrings: Sequence {
  /// The strings; nothing is copied.
  public typealias Pointers = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

  private let first: Pointers?

  /// Wraps a list, which must outlive this value.
  public init(_ first: Pointers?) {
    self.first = first
  }

  /// Goes through the strings in order.
  public struct Iterator: IteratorProtocol {
    fileprivate var position: Pointers?

    /// The next string, nil at the end.
    public mutating func next() -> UnsafeMutablePointer<CChar>? {
      defer { position = position?.advanced(by: 1) }
      return position?.pointee
    }
  }

  /// Goes through the strings in order.
  public func makeIterator() -> Iterator {
    Iterator(position: first)
  }

  /// The strings, copied as bytes.
  public var bytes: [ByteString] { map { ByteString(cString: $0) } }
}
