import ChatRooms
import Drivers

extension ElasticsearchSearch {
  /// A search that was sent before it had looked.
  struct Begun: BegunSearch {
    let search: ElasticsearchSearch
    let pass: SearchPass
    let known: KnownTail.State
    let first: Ask
    /// Read from the database since the search was begun.
    let standing: PendingValue<Result<SearchStanding, any Error>>
    let deadline: ContinuousClock.Instant

    /// Longer answers of the index are read where there is time for it.
    private static let mostAtOnce = 64 << 10

    private enum Verdict { case confirmed, unconfirmed, overtaken }

    private func judged(_ standing: Result<SearchStanding, any Error>) -> Verdict {
      switch standing {
      case .success(let now):
        now.scope == pass.request.scope && known.isPresent(now.heads) ? .confirmed : .overtaken
      case .failure(let error as SQLError) where error.kind == .unavailable: .unconfirmed
      case .failure: .overtaken
      }
    }

    func whenAnswered(_ handler: @escaping @Sendable () -> Void) {
      let answers = Arrivals(2, handler)
      first.request.whenAnswered { answers.arrive() }
      standing.whenGiven { if judged($0) == .overtaken { answers.finish() } else { answers.arrive() } }
    }

    func outcomeAtOnce() throws -> BegunSearchOutcome? {
      guard let verdict = standing.current.map(judged), verdict == .confirmed, !pass.isChecked else { return nil }
      do {
        guard let body = try search.client.searchReplyAtOnce(to: first.request), body.count <= Self.mostAtOnce else {
          return nil
        }
        var gathering = SearchGathering(pass)
        gathering.add(try SearchReply(body), asked: first.size)
        return .page(search.finished(gathering))
      } catch { throw search.answer(to: error) }
    }

    func outcome() async throws -> BegunSearchOutcome {
      let verdict = judged(await standing.value)
      if verdict == .overtaken { return .overtaken }
      let page = try await search.reading { try await search.page(pass, first: first, by: deadline) }
      return verdict == .confirmed ? .page(page) : .unconfirmed(page)
    }
  }
}
