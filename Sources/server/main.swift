// `main.swift` is main-actor isolated, and closures made here crash when a C thread calls them: hence one call.
await Command.run()
