import Drivers
import Testing

@testable import HistoryIndex

@Suite struct BulkReplyTests {
  private func read(_ status: Int, _ body: String, count: Int = 2) -> BulkReply {
    BulkReply(HTTPReply(status: status, body: Array(body.utf8)), count: count)
  }

  @Test func aReplyWithoutErrorsIsNotParsed() {
    #expect(read(200, #"{"errors":false,"items":[{"index":{"status":201}},garbage"#) == .items([.done, .done]))
    #expect(read(200, #"{ "took": 3, "errors": false }"#) == .items([.done, .done]))
  }

  @Test func eachItemIsReadByItsStatus() {
    let reply = read(
      200,
      #"""
      {"errors":true,"items":[{"index":{"status":201}},{"index":{"status":409,"error":{"type":"version_conflict_engine_exception"}}},
      {"index":{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"full"}}},{"index":{"status":503,"error":"gone"}},
      {"index":{"status":400,"error":{"type":"document_parsing_exception","reason":"bad"}}},
      {"index":{"status":403,"error":{"type":"cluster_block_exception","reason":"disk"}}},
      {"index":{"status":404,"error":{"type":"index_not_found_exception","reason":"none"}}},
      {"index":{"status":400,"error":{"type":"strict_dynamic_mapping_exception","reason":"x"}}},
      {"index":{"status":400,"error":{"type":"illegal_argument_exception","reason":"no write index is defined for alias [a]"}}}]}
      """#, count: 9)
    guard case .items(let items) = reply else {
      Issue.record("\(reply)")
      return
    }
    #expect(
      items == [
        .done, .conflict, .again("429 es_rejected_execution_exception: full"), .again("503 : gone"),
        .refused(ElasticsearchError(status: 400, type: "document_parsing_exception", reason: "bad")),
        .blocked(ElasticsearchError(status: 403, type: "cluster_block_exception", reason: "disk")),
        .blocked(ElasticsearchError(status: 404, type: "index_not_found_exception", reason: "none")),
        .blocked(ElasticsearchError(status: 400, type: "strict_dynamic_mapping_exception", reason: "x")),
        .blocked(
          ElasticsearchError(
            status: 400, type: "illegal_argument_exception", reason: "no write index is defined for alias [a]")),
      ])
  }

  @Test(arguments: [
    "", "null", "[]", "{}", "<html>", #"{"errors":true}"#, #"{"errors":true,"items":[{}]}"#, #"{"errors":"false"}"#,
    #"{"errors":true,"items":7}"#, "{\"errors\":tr",
  ])
  func nonsenseIsSentAgain(body: String) {
    guard case .again = read(200, body) else {
      Issue.record("\(body) was taken for an answer")
      return
    }
  }

  @Test func anItemThatIsNoneIsSentAgain() {
    #expect(
      read(200, #"{"errors":true,"items":[7,{"index":{"status":"201"}}]}"#)
        == .items([.again("no status"), .again("no status")]))
  }

  @Test(arguments: [429, 500, 502, 503, 504, 302, 408])
  func aBusyServerGetsAllOfItAgain(status: Int) {
    guard case .again = read(status, "busy") else {
      Issue.record("\(status)")
      return
    }
  }

  @Test func whatIsTooLargeOrMalformedIsSplit() {
    guard case .split = read(413, "<html>"), case .split = read(400, #"{"error":{"type":"x","reason":"y"}}"#),
      case .again = read(400, "<html>a proxy</html>"), case .blocked = read(404, "{}"), case .blocked = read(401, "")
    else {
      Issue.record("a status was taken for another")
      return
    }
  }
}

@Suite struct LaneProgressTests {
  private let lease = LaneLease(lane: 0, number: 3, indexed: 10)

  @Test func theCursorMovesOverWhatIsDoneAtTheFrontOnly() {
    var progress = LaneProgress(lease)
    let first = progress.didRead(through: 20)
    let second = progress.didRead(through: 30)
    let third = progress.didRead(through: 31)
    progress.complete(third)
    progress.complete(second)
    #expect(progress.done == 10)
    #expect(!progress.isUnsaved)
    progress.complete(first)
    #expect(progress.done == 31)
    #expect(progress.isUnsaved)
    progress.didSave(31)
    #expect(!progress.isUnsaved)
  }

  @Test func anEarlierOwnersWorkDoesNotCount() {
    var progress = LaneProgress(lease)
    var stretch = progress.didRead(through: 20)
    stretch.lease.number = 2
    progress.complete(stretch)
    #expect(progress.done == 10)
  }

  @Test func backoffGrowsToItsBoundAndNotFurther() {
    var backoff = Backoff()
    let waits = (0..<12).map { _ in backoff.next(random: \.upperBound) }
    #expect(waits.first == .milliseconds(50))
    #expect(waits[3] == .milliseconds(400))
    #expect(waits.last == .seconds(10))
    backoff.reset()
    #expect(backoff.next(random: \.upperBound) == .milliseconds(50))
    #expect(backoff.next(random: \.lowerBound) == .zero)
  }
}
