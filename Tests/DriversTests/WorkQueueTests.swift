import Foundation
import Testing

@testable import Drivers

@Suite struct WorkQueueTests {
  @Test func whatManyThreadsPutIsTakenOnceAndInEachOnesOrder() {
    let queue = WorkQueue<(thread: Int, number: Int)>()
    let threads = (0..<4).map { thread in
      WorkerThread(name: "put") { for number in 0..<5_000 { queue.put((thread, number)) } }
    }
    var next = [0, 0, 0, 0]
    var count = 0
    while count < 20_000, let taken = queue.takeAll(waiting: 5_000), !taken.isEmpty {
      for element in taken {
        #expect(element.number == next[element.thread])
        next[element.thread] += 1
      }
      count += taken.count
    }
    for thread in threads { thread.join() }
    #expect(next == [5_000, 5_000, 5_000, 5_000])
  }

  @Test func aFullOrClosedQueueRefusesAndAClosedOneEnds() {
    let queue = WorkQueue<Int>(capacity: 2)
    #expect(queue.put(1) && queue.put(2) && !queue.put(3))
    queue.close()
    #expect(!queue.put(4))
    #expect(queue.takeAll() == [1, 2])
    #expect(queue.takeAll() == nil)
  }

  @Test func ofSeveralItTakesAsManyAsThereIsRoomFor() {
    let queue = WorkQueue<Int>(capacity: 3)
    #expect(queue.put(contentsOf: [1, 2]) == 2)
    #expect(queue.put(contentsOf: [3, 4]) == 1)
    #expect(queue.put(contentsOf: []) == 0)
    #expect(queue.takeAll() == [1, 2, 3])
    queue.close()
    #expect(queue.put(contentsOf: [5]) == 0)
  }

  @Test func waitingEndsEmptyHanded() {
    let queue = WorkQueue<Int>()
    #expect(queue.takeAll(waiting: 1) == [])
    queue.put(7)
    #expect(queue.takeAll(waiting: 1) == [7])
  }

  @Test func aThreadHasItsNameForTheKernel() throws {
    let names = WorkQueue<String>()
    let thread = WorkerThread(name: "a-name-that-is-too-long") {
      names.put((try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)) ?? "none")
    }
    #expect(names.takeAll() == ["a-name-that-is-\n"])
    thread.join()
  }
}
