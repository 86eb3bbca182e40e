import ChatRooms
import Drivers
import Foundation
import Testing

@testable import HistoryIndex

@Suite struct FairQueueTests {
  private typealias Item = (sender: Int, number: Int)

  private func queue(_ counts: [Int: Int]) -> FairQueue<Int, Item> {
    var queue = FairQueue<Int, Item> { $0.sender }
    for (sender, count) in counts.sorted(by: { $0.key < $1.key }) {
      for number in 0..<count { queue.append((sender, number)) }
    }
    return queue
  }

  @Test func whoHasOneWaitingIsInTheNextBatchThoughTenThousandCameBefore() {
    var queue = queue([1: 5_000, 2: 5_000])
    _ = queue.take(upTo: 400, crowded: 400)
    queue.append((3, 0))
    let batch = queue.take(upTo: 400, crowded: 400)
    #expect(batch.prefix(3).contains { $0.sender == 3 })
    #expect(batch.count == 400)
  }

  @Test func everySendersOwnKeepTheirOrder() {
    var queue = FairQueue<Int, Item> { $0.sender }
    var generator = SplitMix64(seed: 7)
    var (added, seen) = ([Int](repeating: 0, count: 20), [Int](repeating: 0, count: 20))
    for _ in 0..<2_000 {
      for _ in 0..<Int.random(in: 0...10, using: &generator) {
        let sender = Int.random(in: 0..<20, using: &generator)
        queue.append((sender, added[sender]))
        added[sender] += 1
      }
      for item in queue.take(upTo: Int.random(in: 0...8, using: &generator), crowded: 4) {
        #expect(item.number == seen[item.sender])
        seen[item.sender] += 1
      }
    }
    let rest = queue.take(upTo: .max, crowded: .max)
    for item in rest {
      #expect(item.number == seen[item.sender])
      seen[item.sender] += 1
    }
    #expect(seen == added)
    #expect(queue.isEmpty)
  }

  @Test func aBatchIsShortWhileSomebodyFloodsAndOthersDoNot() {
    var queue = queue([1: 1_000, 2: 1_000, 3: 1])
    let mixed = queue.take(upTo: 400, crowded: 100)
    #expect(mixed.count == 100)
    // Nobody else is there to be kept waiting.
    #expect(queue.take(upTo: 400, crowded: 100).count == 400)
  }

  @Test func everyoneHasATurnInAShortBatchToo() {
    var queue = queue(Dictionary(uniqueKeysWithValues: (1...300).map { ($0, 2) }))
    queue.append((0, 0))
    let batch = queue.take(upTo: 400, crowded: 100)
    #expect(Set(batch.map(\.sender)) == Set(0...300))
  }

  /// Others' next ones would wait for the flood's, whether or not it fits.
  @Test func aFloodThatFitsIsCutToo() {
    var queue = queue([1: 350, 2: 1])
    #expect(queue.take(upTo: 400, crowded: 100).count == 100)
    #expect(queue.take(upTo: 400, crowded: 100).count == 251)
  }

  @Test func whatManySayIsNoFlood() {
    var queue = queue(Dictionary(uniqueKeysWithValues: (1...390).map { ($0, $0 == 1 ? 10 : 1) }))
    #expect(queue.take(upTo: 400, crowded: 100).count == 399)
    #expect(queue.isEmpty)
    #expect(queue.take(upTo: 400, crowded: 100).isEmpty)
  }

  @Test func leadingOnesAreTakenOfEveryLine() {
    var queue = queue([1: 3, 2: 1, 3: 5])
    let taken = queue.takeLeading { $0.number < 2 && $0.sender != 3 }
    #expect(taken.map(\.sender) == [1, 1, 2])
    #expect(queue.count == 6)
    #expect(!queue.isWaiting(2))
    queue.append((2, 7))
    #expect(queue.take(upTo: 10, crowded: 10).map(\.sender) == [1, 3, 2, 3, 3, 3, 3])
  }
}

@Suite struct WaitingSubmissionsTests {
  private func pending(_ user: Int64, _ ref: String) -> PendingSubmission {
    PendingSubmission(
      submission: Submission(
        room: RoomModel.room, action: .send(text: "x", data: nil, replyTo: nil),
        actor: User(id: user, name: "u\(user)", displayName: nil, createdAt: 0), ref: ref),
      answer: .completion { _ in }, deadline: DispatchTime.now() + .seconds(30))
  }

  @Test func aFullQueueStillTakesThoseWhoHaveNothingWaiting() {
    var waiting = WaitingSubmissions()
    let flood = (0..<1_000).map { pending(1, "f\($0)") }
    #expect(waiting.add(flood, limit: 600).count == 400)
    #expect(waiting.add([pending(2, "a"), pending(1, "g")], limit: 600).map(\.submission.ref) == ["g"])
    #expect(waiting.take(upTo: 10, crowded: 10).prefix(2).map(\.submission.ref) == ["f0", "a"])
  }

  @Test func whatCameToNothingIsFirstAgainAndOthersGoWithIt() {
    var waiting = WaitingSubmissions()
    _ = waiting.add([pending(1, "a"), pending(1, "b"), pending(2, "c")], limit: 100)
    let batch = waiting.take(upTo: 2, crowded: 2)
    #expect(batch.map(\.submission.ref) == ["a", "c"])
    waiting.putBack(batch)
    #expect(waiting.take(upTo: 1, crowded: 2).map(\.submission.ref) == ["a"])
    #expect(waiting.take(upTo: 10, crowded: 10).map(\.submission.ref) == ["c", "b"])
    #expect(waiting.isEmpty)
  }

  @Test func whoHasWaitedTooLongIsTakenOut() {
    var waiting = WaitingSubmissions()
    var late = pending(1, "late")
    late.deadline = .now()
    _ = waiting.add([late, pending(1, "early"), pending(2, "other")], limit: 100)
    #expect(waiting.takeExpired(at: .now()).map(\.submission.ref) == ["late"])
    #expect(waiting.take(upTo: 10, crowded: 10).map(\.submission.ref) == ["early", "other"])
  }
}
