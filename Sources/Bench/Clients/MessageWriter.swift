/// The `send` frames of a run: `ref` is the run's name and the message's number, the text begins with the number.
struct MessageWriter {
  /// Words that one message in so many gives to the searches.
  private static let sampledEvery: Int64 = 4
  private var payload: [UInt8] = []

  /// - Parameters:
  ///   - mark: a word of this message alone.
  ///   - room: where the connection has several.
  mutating func frame(_ number: Int64, of state: RunState, mark: String?, room: Int64? = nil) -> [UInt8] {
    payload.removeAll(keepingCapacity: true)
    payload.append(contentsOf: "{\"type\":\"send\",".utf8)
    if let room { payload.append(contentsOf: "\"room\":\(room),".utf8) }
    payload.append(contentsOf: "\"ref\":\"\(state.runName)-\(number)\",\"text\":\"".utf8)
    let start = payload.count
    payload.append(contentsOf: "\(number) ".utf8)
    if let mark { payload.append(contentsOf: "\(mark) ".utf8) }
    state.texts.append(to: &payload, from: start)
    if number % Self.sampledEvery == 0 {
      state.sentWords.add(from: payload[start...], of: number, using: &state.random)
    }
    payload.append(contentsOf: "\"}".utf8)
    return payload
  }
}
