package import Text
import CLinux

/// A C string from execve(2), or for it.
///
/// It lives as long as this process.
@safe
package struct CString {
  fileprivate let pointer: UnsafeMutablePointer<CChar>

  /// Copies a string (strdup(3)).
  init(copying string: ByteString) {
    guard let pointer = unsafe string.withCString({ unsafe strdup($0) }) else {
      // As Swift itself does; without this string, execve(2) would get other arguments.
      fatalError("there is no memory")
    }
    unsafe self.pointer = pointer
  }

  fileprivate init(_ pointer: UnsafeMutablePointer<CChar>) {
    unsafe self.pointer = pointer
  }

  /// The bytes, copied.
  var bytes: ByteString { unsafe ByteString(cString: pointer) }

  /// Calls `body` with the bytes, which are not copied.
  func withBytes<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
    let bytes = unsafe UnsafeRawBufferPointer(start: pointer, count: strlen(pointer))
    return body(unsafe bytes.bindMemory(to: UInt8.self).span)
  }
}

/// A list of C strings that ends with a null pointer, as execve(2) gives them.
@safe
package struct CStrings: Sequence {
  /// A list as C has it.
  package typealias Pointers = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

  private let first: Pointers?

  /// Wraps a list, of which nothing is copied, and which must outlive this process.
  @unsafe
  package init(_ first: Pointers?) {
    unsafe self.first = first
  }

  /// Goes through the strings in order.
  @safe
  package struct Iterator: IteratorProtocol {
    fileprivate var position: Pointers?

    /// The next string, nil at the end.
    package mutating func next() -> CString? {
      defer { unsafe position = position?.advanced(by: 1) }
      return unsafe position?.pointee.map { unsafe CString($0) }
    }
  }

  /// Goes through the strings in order.
  package func makeIterator() -> Iterator {
    unsafe Iterator(position: first)
  }

  /// The strings, copied as bytes.
  package var bytes: [ByteString] { map { $0.bytes } }
}

/// A list of C strings for execve(2), with a null pointer at its end.
@safe
struct ExecStrings {
  let strings: [CString]
  private(set) var pointers: [UnsafeMutablePointer<CChar>?]

  init(_ strings: [CString]) {
    self.strings = strings
    unsafe pointers = strings.map { unsafe $0.pointer }
    unsafe pointers.append(nil)
  }
}
