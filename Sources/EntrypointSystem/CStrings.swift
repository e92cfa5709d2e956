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
  public func makeIterator() -> AnyIterator<UnsafeMutablePointer<CChar>> {
    var next = first
    return AnyIterator {
      defer { next = next?.advanced(by: 1) }
      return next?.pointee
    }
  }

  /// The strings, copied as bytes.
  public var bytes: [ByteString] { map { ByteString(cString: $0) } }
}
