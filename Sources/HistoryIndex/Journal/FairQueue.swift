/// What waits, in a line for each sender. Lines are taken from in turn, so that a sender who has thousands waiting delays
/// nobody who has one; what is of one sender keeps its order.
struct FairQueue<Sender: Hashable, Element> {
  private struct Line {
    var sender: Sender
    var elements: [Element] = []
    var head = 0

    var count: Int { elements.count - head }
    var isEmpty: Bool { count == 0 }

    mutating func takeFirst() -> Element? {
      guard head < elements.count else { return nil }
      let element = elements[head]
      head += 1
      if head == elements.count {
        elements.removeAll(keepingCapacity: elements.capacity <= 8)
        head = 0
      } else if head >= 64, head * 2 > elements.count {
        elements.removeSubrange(..<head)
        head = 0
      }
      return element
    }
  }

  private let sender: @Sendable (Element) -> Sender
  /// Used again once they are empty.
  private var lines: [Line] = []
  private var unused: [Int] = []
  private var places: [Sender: Int] = [:]
  /// Lines with something in them, as their turns come. A slice, since taking the first must not move the others.
  private var turns: ArraySlice<Int> = []
  private(set) var count = 0

  init(by sender: @escaping @Sendable (Element) -> Sender) { self.sender = sender }

  var isEmpty: Bool { count == 0 }

  func isWaiting(_ sender: Sender) -> Bool { places[sender] != nil }

  mutating func append(_ element: Element) {
    lines[place(of: sender(element))].elements.append(element)
    count += 1
  }

  private mutating func place(of sender: Sender) -> Int {
    if let place = places[sender] { return place }
    let place = unused.popLast() ?? lines.count
    if place == lines.count { lines.append(Line(sender: sender)) } else { lines[place].sender = sender }
    places[sender] = place
    turns.append(place)
    return place
  }

  /// Takes one element of each sender in turn, and goes round until there are `limit` of them or none is left.
  ///
  /// - Parameter crowded: the same while somebody alone has more than that waiting and somebody else has got everything:
  ///   who floods gets less at once, so that others' next ones come sooner.
  mutating func take(upTo limit: Int, crowded: Int) -> [Element] {
    let wanted = min(limit, count)
    let isCrowded = turns.contains { lines[$0].count > crowded }
    var taken: [Element] = []
    taken.reserveCapacity(wanted)
    // Each has had one of them by then.
    let firstRound = turns.count
    var isSomebodyDone = false
    while taken.count < wanted, let place = turns.popFirst() {
      guard let element = lines[place].takeFirst() else { continue }
      taken.append(element)
      if lines[place].isEmpty {
        isSomebodyDone = true
        release(place)
      } else {
        turns.append(place)
      }
      if isCrowded, isSomebodyDone, taken.count >= max(firstRound, crowded) { break }
    }
    count -= taken.count
    return taken
  }

  /// Takes from the front of each line what is meant.
  mutating func takeLeading(where isMeant: (Element) -> Bool) -> [Element] {
    var taken: [Element] = []
    for place in turns {
      while let first = lines[place].elements.dropFirst(lines[place].head).first, isMeant(first) {
        taken += [lines[place].takeFirst()].compactMap { $0 }
      }
    }
    guard !taken.isEmpty else { return [] }
    count -= taken.count
    for place in turns where lines[place].isEmpty { release(place) }
    turns.removeAll { lines[$0].isEmpty }
    return taken
  }

  private mutating func release(_ place: Int) {
    places[lines[place].sender] = nil
    unused.append(place)
  }
}
