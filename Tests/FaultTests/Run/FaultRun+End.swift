import Foundation

extension FaultRun {
  /// Waits until nobody has anything open, everybody is where their rooms are, and the index has it all.
  func settle(_ rooms: [Int64]) -> [String] {
    let final = FinalState(stack: stack)
    var complaints = ["not looked at"]
    _ = clock.wait(upTo: plan.patience, every: 300) {
      let ends = rooms.reduce(into: [Int64: Int64]()) { $0[$1] = final.lastEvent(of: $1) }
      complaints = clients.flatMap { client -> [String] in
        let status = client.status
        var lines: [String] = []
        if status.pending > 0 { lines.append("\(client.name) still waits for \(status.pending) answers") }
        for room in client.rooms where ends[room] == nil || status.positions[room] != ends[room] {
          lines.append(
            "\(client.name) is at \(status.positions[room] ?? -1) of room \(room), which is at \(ends[room] ?? -1)")
        }
        return lines
      }
      complaints += writers.filter { !$0.isIdle }.map { "\($0.name) still waits for an answer" }
      complaints += rawClients.compactMap { client in
        let newest = final.newestMessage(of: client.room)?.event
        return client.lastEvent >= newest ?? .max
          ? nil : "\(client.name) is at \(client.lastEvent), the newest message at \(newest ?? -1)"
      }
      let left = (try? final.unindexed()) ?? -1
      if left != 0 { complaints.append("\(left) events are not indexed") }
      return complaints.isEmpty
    }
    return complaints
  }

  var ends: [String] {
    let reasons = Dictionary(grouping: recorder.collected.subscriptions.compactMap(\.end)) { $0.prefix(160) }
    return reasons.sorted { $0.value.count > $1.value.count }.map { "\($0.value.count) × \($0.key)" }
  }

  func check(_ rooms: [Int64]) throws -> Verdict {
    let final = FinalState(stack: stack)
    var evidence = recorder.collected
    for room in rooms {
      for server in 0..<FaultyStack.serverCount { evidence.rooms.append(try final.room(room, server: server)) }
    }
    evidence.documents = try final.indexed()
    return Checker.check(evidence)
  }
}
