/// What is said in the demonstration room.
enum DemoScript {
  struct Line: Sendable {
    var user: String
    var text: String
    /// The index of the line that it answers.
    var replyTo: Int?
    /// The text after an edit.
    var corrected: String?

    init(_ user: String, _ text: String, replyTo: Int? = nil, corrected: String? = nil) {
      self.user = user
      self.text = text
      self.replyTo = replyTo
      self.corrected = corrected
    }
  }

  static let host = "Mara"

  static let lines = [
    Line("Mara", "Welcome! This room was made by `palaver serve --demo`, so that there is something to look at. 👋"),
    Line("Tomasz", "Good morning. So this is the new chat server?"),
    Line("Mara", "It is. Rooms, messages over HTTP and WebSocket, everything kept, and all of it can be searched."),
    Line("Yuki", "おはようございます。日本語も検索できますか？"),
    Line("Mara", "Yes! Try 検索 in the field above: no spaces are needed between words.", replyTo: 3),
    Line("Yuki", "本当だ、一文字からでも見つかる。すごい 🎉"),
    Line("李娜", "中文也可以吗？我想搜索“聊天记录”。"),
    Line("Mara", "中文 works the same way, from one character on.", replyTo: 6),
    Line("Tomasz", "And accents? I can never remember how our café is written."),
    Line("Inés", "cafe finds café, and Łódź is found by lodz. Upper and lower case do not matter either."),
    Line("Tomasz", "Then I shall find my own home town at last. 😄", replyTo: 9),
    Line("Ravi", "I only care about one thing: if the server says it has my message, is it still there after a crash?"),
    Line("Mara", "That is the first promise: acknowledged is durable. Even after `kill -9` and a power cut."),
    Line("Ravi", "Bold. How?"),
    Line("Mara", "Nothing is acknowledged before the database has committed it to disk. Everything else comes after."),
    Line("Inés", "And one order for all: each message has a `seq`, 1, 2, 3 …, and no client sees another order."),
    Line("Ravi", "What if my connection breaks just as I send?"),
    Line(
      "Mara", "Send it again with the same `ref`. Sent twice, stored once.", replyTo: 16),
    Line("Ravi", "I have just tried it. One message, and the second reply said `duplicate`. 👍"),
    Line("Tomasz", "When I join, do I get what I missed?"),
    Line("Inés", "You join with `since` and get each message that was touched since then, once, in its present state."),
    Line("Inés", "Then live ones, without a gap in between. That was the hard part, I am told."),
    Line("Yuki", "電車の中で切れても、続きから読めるんですね。"),
    Line("Inés", "Exactly. Trains are what it was tested with, in a manner of speaking. 🚆", replyTo: 22),
    Line("Tomasz", "Can I take back what I said?"),
    Line("Mara", "You can edit and delete your own messages. Owners of a room can do it for everybody's."),
    Line(
      "Tomasz", "Good, because I wanted to say Tuseday.",
      corrected: "Good, because I wanted to say Tuesday. (I edited this one.)"),
    Line("李娜", "私人房间呢？外面的人看得到吗？"),
    Line("Mara", "A private room looks to others as if it did not exist, in search as well.", replyTo: 27),
    Line("Ravi", "Show me the search language."),
    Line("Mara", "Words, \"a phrase\", -not, OR, begin*, from:Ravi, in:welcome, after:7d, has:link, and more."),
    Line("Mara", "For example: `from:Inés seq`. Or `has:link`, which finds https://www.unicode.org/reports/tr29/"),
    Line("Ravi", "It also finds parts of names: `room` finds room_positions, and 6.3 finds v6.3 …"),
    Line("Mara", "It finds file names, versions, URLs and their parts: README.md, HTTPServer.swift, 10.11.6."),
    Line("Tomasz", "What do I need to run it?"),
    Line("Mara", "For this, nothing: one program, one folder, SQLite inside."),
    Line("Ravi", "And for ten thousand people in one room?"),
    Line(
      "Mara", "Then several servers share MySQL, Redis and Elasticsearch. The clients notice nothing.", replyTo: 36),
    Line(
      "Inés", "If Elasticsearch is down, talking goes on; old history waits. If Redis is down, hardly anything changes."
    ),
    Line("Yuki", "ねこの写真は送れますか？ 🐈"),
    Line("Mara", "Only links to them, for now. But 🐈 can be searched for.", replyTo: 39),
    Line("Tomasz", "Then I have seen enough. Where do I begin?"),
    Line("Mara", "Give your name below and say hello. 🙂"),
  ]
}
