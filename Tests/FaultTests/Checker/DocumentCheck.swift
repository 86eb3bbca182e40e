/// Checks Elasticsearch's documents of a room against its history, one by one.
struct DocumentCheck {
  let record: RoomRecord
  let log: RoomLog
  let documents: [IndexedDocument]

  func breaches() -> [Breach] {
    var breaches: [Breach] = []
    var bySeq: [Int64: IndexedDocument] = [:]
    for document in documents {
      if let first = bySeq[document.seq] {
        breaches.append(
          breach(.indexOnce, "message \(document.seq) has two documents", ["\(first)", "\(document)"]))
      }
      bySeq[document.seq] = document
    }
    let history = Dictionary(record.messages.map { ($0.seq, $0) }) { first, _ in first }
    for seq in 1..<max(1, record.lastSeq + 1) {
      guard let document = bySeq.removeValue(forKey: seq) else {
        breaches.append(
          breach(.indexed, "message \(seq) has no document", [history[seq].map { "\($0)" } ?? "deleted"]))
        continue
      }
      if let fault = fault(of: document, history[seq]) {
        breaches.append(
          breach(
            .indexTrue, "the document of message \(seq): \(fault)",
            ["\(document)", history[seq].map { "\($0)" } ?? "deleted"]))
      }
    }
    for document in bySeq.values {
      breaches.append(breach(.indexTrue, "document \(document.id) is of no message", ["\(document)"]))
    }
    return breaches
  }

  private func fault(of document: IndexedDocument, _ message: SeenMessage?) -> String? {
    if document.version != document.revised { return "its version is \(document.version)" }
    guard let message else {
      if !document.isDeleted { return "it is not deleted" }
      if document.text != nil { return "it still has its text" }
      if let deletion = log.deleted[document.seq], document.revised != deletion {
        return "its deletion was event \(deletion)"
      }
      return nil
    }
    if document.isDeleted { return "it is deleted, the message is not" }
    if document.text != message.text { return "another text" }
    if document.revised != message.revised { return "its message was revised at \(message.revised)" }
    if document.event != message.event { return "its message was created at \(message.event)" }
    if document.user != message.user || document.ref != message.ref { return "another author or ref" }
    return nil
  }

  private func breach(_ promise: Promise, _ what: String, _ evidence: [String]) -> Breach {
    Breach(promise, room: record.room, what, evidence)
  }
}
