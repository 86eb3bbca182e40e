import Testing

@testable import server

@Suite struct SHA1Tests {
  @Test(arguments: [
    ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
    ),
  ])
  func digestsTheStandardsVectors(message: String, digest: String) {
    #expect(hexadecimal(SHA1.digest(Array(message.utf8))) == digest)
  }

  @Test func digestsEveryLengthAroundABlock() {
    let digests = (50...130).map { hexadecimal(SHA1.digest(Array(repeating: 0x61, count: $0))) }
    #expect(digests[55 - 50] == "c1c8bbdc22796e28c0e15163d20899b65621d65a")
    #expect(digests[56 - 50] == "c2db330f6083854c99d4b5bfb6e8f29f201be699")
    #expect(digests[64 - 50] == "0098ba824b5c16427bd7a1122a5a442a25ec644d")
    #expect(Set(digests).count == digests.count)
  }

  private func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
