/// The command line's entry.
enum Command {
  static func run() async {}
}
