import Testing

/// The checker finds every promise that is broken, and names it. Each test breaks a good run in one place.
@Suite struct CheckerTests {
  private let good = SyntheticRun.evidence()

  private func broken(_ change: (inout Evidence) throws -> Void) rethrows -> Set<Promise> {
    var evidence = good
    try change(&evidence)
    return Checker.check(evidence).broken
  }

  @Test(arguments: UInt64(1)...20) func aRunThatKeptItsPromisesIsClean(seed: UInt64) {
    let verdict = Checker.check(SyntheticRun.evidence(seed: seed))
    #expect(verdict.isClean, "\(verdict)")
    #expect(verdict.acknowledged == 120)
  }

  @Test func anAcknowledgementBeforeACommitThatIsLost() {
    let found = broken { evidence in
      var lost = Attempt(
        room: SyntheticRun.room, user: "user-1", ref: "gone", action: .send(text: "gone"), began: 1_300)
      let last = evidence.rooms[0]
      lost.sendings = 1
      lost.acknowledgements = [.init(seq: last.lastSeq + 1, event: last.lastEvent + 1, server: 0, time: 1_310)]
      evidence.attempts.append(lost)
    }
    #expect(found.contains(.kept))
  }

  @Test func aMessageOfTheMiddleIsLost() throws {
    let found = try broken { evidence in
      let lost = try #require(evidence.rooms[0].messages.dropFirst(10).first)
      for index in evidence.rooms.indices { evidence.rooms[index].messages.removeAll { $0.seq == lost.seq } }
    }
    #expect(found.contains(.kept))
  }

  @Test func aReplayWithoutABufferLeavesAGapBeforeLive() throws {
    let found = try broken { evidence in
      let (subscription, entry) = try #require(evidence.firstLive { _ in true })
      evidence.subscriptions[subscription].entries.remove(at: entry)
    }
    #expect(found.contains(.noGap))
  }

  @Test func aMessageIsStoredTwice() throws {
    let found = try broken { evidence in
      for index in evidence.rooms.indices {
        var copy = try #require(evidence.rooms[index].messages.last)
        evidence.rooms[index].lastSeq += 1
        evidence.rooms[index].lastEvent += 1
        copy.seq = evidence.rooms[index].lastSeq
        copy.event = evidence.rooms[index].lastEvent
        copy.revised = copy.event
        evidence.rooms[index].messages.append(copy)
      }
    }
    #expect(found.contains(.storedOnce))
  }

  /// A raw client joins another server than the one which acknowledged the deletion, a moment after.
  @Test func aRawClientIsShownWhatWasDeletedBefore() throws {
    let deletion = try #require(good.attempts.first { $0.isDeletion })
    let sending = try #require(
      good.attempts.first { $0.target == nil && $0.acknowledgements.first?.seq == deletion.target })
    let (sent, deleted) = (try #require(sending.acknowledgements.first), try #require(deletion.acknowledgements.first))
    let shown = RawMessage(
      seq: sent.seq, event: sent.event, user: sending.user, text: try #require(sending.text), time: deleted.time + 2)
    let cases: [(RunTime, Set<Promise>)] = [(deleted.time - 1, []), (deleted.time + 1, [.deletedTextIsGone])]
    for (began, promises) in cases {
      let found = broken { evidence in
        evidence.rawConnections.append(
          RawConnection(
            client: "raw-1", room: SyntheticRun.room, server: deleted.server + 1, since: nil, began: began,
            messages: [shown], end: "left"))
      }
      #expect(found == promises)
    }
  }

  @Test func oneRefIsAcknowledgedAsTwoMessages() throws {
    let found = try broken { evidence in
      let index = try #require(evidence.attempts.firstIndex { $0.acknowledgements.count == 2 })
      evidence.attempts[index].acknowledgements[1].seq += 1
    }
    #expect(found.contains(.sameAnswer))
  }

  @Test func aCursorSkipsAnEventAndADocumentIsMissing() {
    #expect(broken { $0.documents?.remove(at: 20) } == [.indexed])
  }

  @Test func aConflictTakenForSuccessLeavesAnotherDocument() throws {
    let found = try broken { evidence in
      let index = try #require(evidence.documents?.firstIndex { !$0.isDeleted })
      evidence.documents?[index].text = "what a lost event of the same number said"
    }
    #expect(found == [.indexTrue])
  }

  @Test func anEditIsNotIndexed() throws {
    let found = try broken { evidence in
      let index = try #require(evidence.documents?.firstIndex { !$0.isDeleted && $0.revised > $0.event })
      let event = evidence.documents?[index].event ?? 0
      evidence.documents?[index].revised = event
      evidence.documents?[index].version = event
    }
    #expect(found == [.indexTrue])
  }

  @Test func oneMessageHasTwoDocuments() {
    let found = broken { evidence in
      guard var copy = evidence.documents?[3] else { return }
      copy.id = "elsewhere"
      evidence.documents?.append(copy)
    }
    #expect(found == [.indexOnce])
  }

  @Test func aTailWithAHoleIsServed() throws {
    let found = try broken { evidence in
      let kept = evidence.rooms[0].messages
      let (subscription, entry) = try #require(
        evidence.firstReplayed { seen in kept.contains { $0.seq == seen.seq } })
      evidence.subscriptions[subscription].entries.remove(at: entry)
    }
    #expect(found.contains(.replayWhole))
  }

  @Test func aDeletedTextIsReplayed() throws {
    let found = try broken { evidence in
      let deleted = try #require(evidence.documents?.filter { $0.isDeleted })
      let (index, document) = try #require(evidence.firstReplay(of: deleted))
      let text = SeenMessage(
        seq: document.seq, event: document.event, revised: document.event, user: document.user,
        ref: "r\(document.event)", text: "text \(document.event)")
      let place = evidence.subscriptions[index].entries.firstIndex { ($0.frame.event ?? 0) > document.event }
      evidence.subscriptions[index].entries.insert(.init(time: 0, frame: .message(text)), at: place ?? 1)
    }
    #expect(found.contains(.deletedTextIsGone))
  }

  @Test func aDeletedTextStaysInTheIndex() throws {
    let found = try broken { evidence in
      let index = try #require(evidence.documents?.firstIndex { $0.isDeleted })
      evidence.documents?[index].text = "still here"
    }
    #expect(found == [.indexTrue])
  }

  @Test func aDeletedMessageIsOnAPage() throws {
    let found = try broken { evidence in
      let index = try #require(evidence.attempts.firstIndex { $0.isDeletion })
      let seq = try #require(evidence.attempts[index].target)
      let page = try #require(evidence.pages.lastIndex { _ in true })
      let text = SeenMessage(seq: seq, event: 1, revised: 1, user: "user-1", ref: nil, text: "still here")
      evidence.pages[page].messages.insert(text, at: 0)
    }
    #expect(found.contains(.deletedTextIsGone))
  }

  @Test func eventsOfOneConnectionAreReordered() throws {
    let found = try broken { evidence in
      let (subscription, entry) = try #require(evidence.firstLive { _ in true })
      evidence.subscriptions[subscription].entries.swapAt(entry, entry + 1)
    }
    #expect(found.contains(.rising))
  }

  @Test func anEventComesTwice() throws {
    let found = try broken { evidence in
      let (subscription, entry) = try #require(evidence.firstLive { _ in true })
      let copy = evidence.subscriptions[subscription].entries[entry]
      evidence.subscriptions[subscription].entries.insert(copy, at: entry)
    }
    #expect(found.contains(.rising))
  }

  @Test func twoClientsSeeDifferentThingsAtOneEvent() throws {
    let found = try broken { evidence in
      let (subscription, entry) = try #require(evidence.firstLive { if case .message = $0 { true } else { false } })
      guard case .message(var message) = evidence.subscriptions[subscription].entries[entry].frame else { return }
      message.text = "another text"
      evidence.subscriptions[subscription].entries[entry].frame = .message(message)
    }
    #expect(found.contains(.oneOrder))
  }

  @Test func theLastEventIsNeverDelivered() throws {
    let found = try broken { evidence in
      let index = try #require(evidence.subscriptions.firstIndex { $0.end == nil && $0.entries.count > 10 })
      evidence.subscriptions[index].entries.removeLast()
    }
    #expect(found.contains(.viewTrue))
  }

  @Test func somethingNobodySentIsStored() {
    let found = broken { evidence in
      for index in evidence.rooms.indices { evidence.rooms[index].messages[5].ref = "never sent" }
    }
    #expect(found.contains(.nothingInvented))
  }

  @Test func anAcknowledgedEditIsOverwrittenByNothing() throws {
    let found = try broken { evidence in
      let seq = try #require(evidence.rooms[0].messages.first { $0.revised > $0.event }?.seq)
      for room in evidence.rooms.indices {
        let index = try #require(evidence.rooms[room].messages.firstIndex { $0.seq == seq })
        evidence.rooms[room].messages[index].revised = evidence.rooms[room].messages[index].event
      }
    }
    #expect(found.contains(.changesKept))
  }

  @Test func aMessageHasATextThatNobodyGaveIt() {
    let found = broken { evidence in
      for index in evidence.rooms.indices { evidence.rooms[index].messages[5].text = "altered" }
    }
    #expect(found.contains(.unaltered))
  }

  @Test func anEditBringsADeletedMessageBack() throws {
    let found = try broken { evidence in
      let deletion = try #require(evidence.attempts.first { $0.isDeletion })
      let seq = try #require(deletion.target)
      let text = SeenMessage(seq: seq, event: 1, revised: 119, user: deletion.user, ref: "r1", text: "back")
      for room in evidence.rooms.indices { evidence.rooms[room].messages.append(text) }
    }
    #expect(found.contains(.deletedStaysDeleted))
  }

  @Test func numbersAreLeftOut() {
    let found = broken { evidence in
      for index in evidence.rooms.indices {
        evidence.rooms[index].lastSeq += 1
        evidence.rooms[index].lastEvent += 1
      }
    }
    #expect(found.contains(.dense))
  }

  @Test func aServerCannotTellWhatFollows() {
    let found = broken { evidence in
      evidence.rooms[0].messages.removeLast()
      evidence.rooms[0].refusal = "503 unavailable"
    }
    #expect(found.contains(.dense) && !found.contains(.kept))
    #expect(broken { $0.rooms[1].refusal = "503 unavailable" }.contains(.dense))
  }

  @Test func twoServersTellDifferentHistories() {
    #expect(broken { $0.rooms[1].messages.removeLast() }.contains(.serversAgree))
  }

  @Test func aPageMissesWhatWasAcknowledgedBefore() throws {
    let found = try broken { evidence in
      let page = try #require(evidence.pages.lastIndex { _ in true })
      let kept = evidence.rooms[0].messages
      let index = try #require(
        evidence.pages[page].messages.dropFirst().firstIndex { seen in kept.contains { $0.seq == seen.seq } })
      evidence.pages[page].messages.remove(at: index)
    }
    #expect(found.contains(.pageTrue))
  }

  @Test func twoChangesAreAcknowledgedWithOneEvent() throws {
    let found = try broken { evidence in
      let index = try #require(evidence.attempts.firstIndex { $0.target == nil && $0.acknowledgements.count == 1 })
      var other = evidence.attempts[index]
      other.ref = "another"
      evidence.attempts.append(other)
    }
    #expect(found.contains(.oneEventEach))
  }

  @Test func aFrameComesBeforeReady() throws {
    let found = broken { $0.subscriptions[0].entries.removeFirst() }
    #expect(found.contains(.framesInPlace))
  }

  @Test func anUnknownMessageMayBeThereOnceOrNot() throws {
    var evidence = good
    let message = try #require(evidence.rooms[0].messages.last)
    let index = try #require(evidence.attempts.firstIndex { $0.ref == message.ref })
    evidence.attempts[index].acknowledgements = []
    #expect(Checker.check(evidence).isClean)
    evidence = good
    var unknown = Attempt(
      room: SyntheticRun.room, user: "user-1", ref: "unknown", action: .send(text: "unknown"), began: 5)
    unknown.sendings = 1
    evidence.attempts.append(unknown)
    #expect(Checker.check(evidence).isClean)
  }

  @Test func aBreachIsToldWithItsHistory() throws {
    var evidence = good
    let lost = try #require(evidence.rooms[0].messages.last)
    for index in evidence.rooms.indices { evidence.rooms[index].messages.removeLast() }
    let text = Checker.check(evidence).description
    #expect(text.contains("message \(lost.seq) is lost"))
    #expect(text.contains("acknowledged as \(lost.seq) at event \(lost.event)"))
  }
}

extension Evidence {
  /// A live event that another follows on the same connection.
  fileprivate func firstLive(_ fits: (Frame) -> Bool) -> (Int, Int)? {
    for (index, subscription) in subscriptions.enumerated() {
      guard let start = subscription.entries.firstIndex(where: { if case .replayed = $0.frame { true } else { false } })
      else { continue }
      let live = (start + 1)..<max(start + 1, subscription.entries.count - 1)
      if let entry = live.first(where: { fits(subscription.entries[$0].frame) }) { return (index, entry) }
    }
    return nil
  }

  /// A join that came after both the creation and the deletion of a message, and had seen neither.
  fileprivate func firstReplay(of deleted: [IndexedDocument]) -> (Int, IndexedDocument)? {
    for (index, subscription) in subscriptions.enumerated() {
      guard case .ready(_, let last, _, _, _)? = subscription.entries.first?.frame else { continue }
      let fit = deleted.first { $0.event > subscription.since ?? 0 && $0.revised <= last }
      if let fit { return (index, fit) }
    }
    return nil
  }

  /// A message within a replay.
  fileprivate func firstReplayed(_ fits: (SeenMessage) -> Bool) -> (Int, Int)? {
    for (index, subscription) in subscriptions.enumerated() {
      for (entry, item) in subscription.entries.enumerated() {
        if case .replayed = item.frame { break }
        if case .message(let message) = item.frame, fits(message) { return (index, entry) }
      }
    }
    return nil
  }
}
