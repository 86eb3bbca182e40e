import Testing

@testable import server

@Suite struct FreedMemoryTests {
  /// What a burst leaves: much that was freed, between little that stays.
  @Test func whatWasFreedIsGivenBackToTheSystem() {
    var blocks: [[UInt8]?] = (0..<100_000).map { _ in [UInt8](repeating: 1, count: 1_000) }
    for index in blocks.indices where index % 100 > 0 { blocks[index] = nil }
    let before = ResidentMemory.bytes
    FreedMemory.giveBack()
    #expect(before - ResidentMemory.bytes > 50_000_000)
    #expect(blocks.count { $0 != nil } == 1_000)
  }
}
