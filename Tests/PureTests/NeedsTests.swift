import Capabilities
import Kong
import Text
import Testing

@Suite("A listener")
struct NeedsTests {
  private func needs(_ entry: String, portStart: Int = 1024) throws -> CapabilitySet {
    let listener = try #require(
      try ListenParser.parse(ByteString(entry), source: "KONG_PROXY_LISTEN").first)
    return listener.needs(unprivilegedPortStart: portStart)
  }

  @Test("needs cap_net_bind_service exactly for ports below the sysctl")
  func ports() throws {
    for portStart in [0, 1, 80, 81, 443, 1024, 65535] {
      for port in [1, 79, 80, 81, 442, 443, 1023, 1024, 65534, 65535] {
        let expected: CapabilitySet = port < portStart ? CapabilitySet(.netBindService) : []
        #expect(try needs("0.0.0.0:\(port)", portStart: portStart) == expected)
        #expect(try needs("[::]:\(port) udp", portStart: portStart) == expected)
      }
    }
  }

  @Test("needs cap_net_raw for the flag transparent, at any position")
  func transparent() throws {
    #expect(try needs("0.0.0.0:8000 transparent ssl") == CapabilitySet(.netRaw))
    #expect(try needs("transparent 0.0.0.0:80") == CapabilitySet([.netRaw, .netBindService]))
    #expect(try needs("transparent.example.com:8000").isEmpty)
  }
}
