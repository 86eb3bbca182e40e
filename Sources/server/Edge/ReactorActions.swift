import ChatRooms
import HistoryIndex

/// What sessions want.
extension SocketReactor {
  func perform(_ actions: [SessionAction], _ connection: Connection) {
    for action in actions where connection.phase == .open { perform(action, connection) }
  }

  private func perform(_ action: SessionAction, _ connection: Connection) {
    switch action {
    case .reply(let frame): enqueue(frame, connection)
    case .replay(let frames): replay(frames, connection)
    case .submit(let submission): submit(submission, connection)
    case .request(let request): start(request, connection)
    case .subscribe(let wish, let room): subscribe(wish, room, connection)
    case .unsubscribe(let room): leave(room, connection)
    case .typing(let room): services.notifier.typing(room, user: connection.user.name)
    case .pause(let milliseconds):
      connection.pausedUntil = now + Int64(milliseconds)
      reschedule(connection)
    case .expire(let time):
      connection.expiresAt = time.map { monotonic($0) }
      reschedule(connection)
    case .close(let code, let reason): beginClosing(connection, code, reason)
    }
  }

  /// A time since 1970 on this loop's clock. The past is now, and a token may end in any year.
  private func monotonic(_ time: Milliseconds) -> Int64 {
    let wall = WallClock.now
    return time <= wall ? now : now + min(time - wall, 1 << 50)
  }

  private func submit(_ submission: Submission, _ connection: Connection) {
    connection.spokeAt = now
    submissions.append(TicketedSubmission(ticket: connection.token, submission: submission))
    if submissions.count >= Self.submissionBatch { submitGathered() }
  }

  /// Hands to the journal what came in one turn as one piece, so that it is committed as one.
  func submitGathered() {
    guard !submissions.isEmpty else { return }
    services.writer.submit(contentsOf: submissions, to: commits)
    submissions.removeAll(keepingCapacity: true)
  }

  func committed(_ answers: [SubmissionAnswer]) {
    for answer in answers { committed(answer) }
  }

  private func committed(_ answer: SubmissionAnswer) {
    guard let connection = connection(answer.ticket), connection.phase == .open else { return }
    perform(connection.session.committed(Receipt(of: answer.submission), answer.result), connection)
    settle(connection)
  }

  /// Something was answered: there may be room for more, or nothing left to wait for.
  private func settle(_ connection: Connection) {
    if connection.isDraining { sayGoodbye(connection) }
    guard connection.isSaturated, connection.session.hasRoom else { return }
    connection.isSaturated = false
    resume(connection)
  }

  private func start(_ request: SessionRequest, _ connection: Connection) {
    // A client that asks for history and does not read it gets no more of it.
    if case .history = request, connection.replayBytes >= limits.replay { return refuse(request, connection) }
    let (mailbox, token, services) = (mailbox, connection.token, services)
    let (user, caller) = (connection.user, connection.caller)
    let isTaken = pool.submit {
      mailbox.post(.answered(token: token, await services.answer(request, user: user, caller: caller)))
    }
    if !isTaken { refuse(request, connection) }
  }

  private func refuse(_ request: SessionRequest, _ connection: Connection) {
    let error = ChatError(429, "rate_limited", "Too much is waiting for this connection.", retryAfter: 1_000)
    // Not at once: the next in a row of requests might be refused in turn, and so on.
    mailbox.post(.answered(token: connection.token, request.failure(error)))
  }

  func answered(_ token: UInt64, _ answer: SessionAnswer) {
    guard let connection = connection(token), connection.phase == .open else {
      // Nobody is there to take the room that was entered.
      if case .admitted(let room, _, let user) = answer { services.presence.leave(room: room.id, user: user.name) }
      return
    }
    if case .admitted(let room, _, _) = answer { enter(room.id, connection) }
    if case .authenticated(let caller, _) = answer, connection.caller.hindrance(ofRenewalBy: caller) == nil {
      connection.caller = caller
    }
    perform(connection.session.answered(answer, at: now), connection)
    settle(connection)
  }

  // MARK: - Rooms

  /// Notes that the connection is present in a room.
  func enter(_ room: RoomID, _ connection: Connection) {
    connection.places.append(Connection.Place(room: room))
    services.notifier.entered(room, user: connection.user.name)
  }

  private func subscribe(_ wish: RoomWish, _ room: Room, _ connection: Connection) {
    guard let place = connection.places.firstIndex(where: { $0.room == room.id }) else { return }
    subscriptionCount += 1
    let subscription = SubscriptionID(UInt64(index) << 48 | subscriptionCount)
    connection.places[place].subscription = subscription
    pendingJoins[subscription] = (connection, room.id)
    services.joiner.join(
      JoinRequest(
        subscription: subscription, room: room, user: connection.user, format: connection.format, since: wish.since,
        epoch: wish.epoch, limit: wish.limit), loop: index)
  }

  func leave(_ room: RoomID, _ connection: Connection) {
    guard let index = connection.places.firstIndex(where: { $0.room == room }) else { return }
    end(connection.places.remove(at: index), connection)
  }

  func leaveAllRooms(_ connection: Connection) {
    let places = connection.places
    connection.places = []
    for place in places { end(place, connection) }
  }

  private func end(_ place: Connection.Place, _ connection: Connection) {
    services.notifier.left(place.room, user: connection.user.name)
    guard let subscription = place.subscription else { return }
    pendingJoins[subscription] = nil
    services.joiner.leave(subscription, room: place.room, loop: index)
    guard let index = place.index, let table = rooms[place.room] else { return }
    table.remove(at: index, format: connection.format) { moved, index in
      guard let place = moved.connection.places.firstIndex(where: { $0.room == place.room }) else { return }
      moved.connection.places[place].index = index
    }
    if table.isEmpty { rooms[place.room] = nil }
  }
}
