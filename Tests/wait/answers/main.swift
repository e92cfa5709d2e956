// Reads answers of the DNS as the module Services does, for comparison with another library.
//
// Each line of standard input has a name, A or AAAA, and a message in hexadecimal digits, whose question has
// the id 4660. Prints for each what was found: "addresses" and the addresses in order, "noSuchName",
// "truncated", "failed" and the code, or "none" for what is no answer.

import Services

private func bytes(_ text: Substring) -> [UInt8] {
  let digits = text.map { UInt8($0.hexDigitValue ?? 0) }
  return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

while let line = readLine() {
  let words = line.split(separator: " ", omittingEmptySubsequences: false)
  guard let name = DNSName(Array(words[0].utf8)[...]) else { fatalError("not a name: \(line)") }
  let question = DNSQuestion(id: 4660, name: name, kind: words[1] == "A" ? .ipv4 : .ipv6)
  switch DNSAnswer(bytes(words[2]), to: question) {
  case nil: print("none")
  case .noSuchName: print("noSuchName")
  case .truncated: print("truncated")
  case .failed(let code): print("failed \(code)")
  case .addresses(let addresses):
    print((["addresses"] + addresses.map { $0.description }).joined(separator: " "))
  }
}
