import Foundation

// `main.swift` is main-actor isolated, and closures made here crash when a C thread calls them: hence one call.
exit(await CommandLineProgram.ofThisProcess().run(Array(CommandLine.arguments.dropFirst())))
