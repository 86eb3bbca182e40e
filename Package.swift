// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target is held to the same rules: warnings are errors, and each use of an unsafe construct is marked.
let rules: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .strictMemorySafety(),
]

/// A C library of Debian's, reached through a module map and a shim header.
func library(_ name: String, package: String) -> Target {
  .systemLibrary(name: name, path: "Sources/CLibraries/\(name)", providers: [.apt([package])])
}

let package = Package(
  name: "Palaver",
  products: [.executable(name: "palaver", targets: ["server"])],
  targets: [
    library("CCurl", package: "libcurl4-openssl-dev"),
    library("CHiredis", package: "libhiredis-dev"),
    library("CMariaDB", package: "libmariadb-dev"),
    library("CSQLite", package: "libsqlite3-dev"),
    library("CMicroHTTPD", package: "libmicrohttpd-dev"),
    library("CJWT", package: "libjwt-dev"),
    library("CZstd", package: "libzstd-dev"),
    library("CLinux", package: "libc6-dev"),
    library("CMalloc", package: "libc6-dev"),

    // Ours: what FTS5 calls for each message that a search ranks.
    .target(name: "CTextRanking", dependencies: ["CSQLite"], path: "Sources/CLibraries/CTextRanking"),

    .target(
      name: "Drivers",
      dependencies: ["CCurl", "CHiredis", "CMariaDB", "CSQLite", "CTextRanking", "CLinux"],
      swiftSettings: rules),
    .target(
      name: "ChatRooms",
      dependencies: ["Drivers", "Migrations", "CJWT"],
      swiftSettings: rules),
    .target(
      name: "Migrations", path: "migrations", sources: ["Migrations.swift", "IndexTemplate.swift"],
      resources: [.embedInCode("mysql"), .embedInCode("sqlite"), .embedInCode("elasticsearch")],
      swiftSettings: rules),
    .target(
      name: "HistoryIndex",
      dependencies: ["ChatRooms", "Drivers", "Migrations", "CZstd"],
      swiftSettings: rules),
    // Talks to a server as its clients do, and so knows nothing of what is behind the API.
    .target(name: "Bench", dependencies: ["Drivers", "CLinux"], swiftSettings: rules),
    .executableTarget(
      name: "server",
      dependencies: ["Bench", "HistoryIndex", "ChatRooms", "Drivers", "CMicroHTTPD", "CLinux", "CMalloc"],
      resources: [.embedInCode("Page/index.html")],
      swiftSettings: rules),

    .target(
      name: "RedisTesting", dependencies: ["Drivers", "CLinux"], path: "Tests/RedisTesting", swiftSettings: rules),
    .target(name: "FakeHTTPServer", path: "Tests/FakeHTTPServer", swiftSettings: rules),
    .testTarget(
      name: "DriversTests", dependencies: ["Drivers", "RedisTesting", "FakeHTTPServer", "TestSupport"],
      swiftSettings: rules),
    .testTarget(
      name: "ChatRoomsTests", dependencies: ["ChatRooms", "Drivers", "Migrations", "RedisTesting"],
      swiftSettings: rules),
    .testTarget(
      name: "HistoryIndexTests",
      dependencies: ["HistoryIndex", "ChatRooms", "Drivers", "Migrations", "FakeHTTPServer", "TestSupport", "CZstd"],
      swiftSettings: rules),
    .testTarget(
      name: "ServerTests",
      dependencies: ["server", "HistoryIndex", "ChatRooms", "Drivers", "CLinux", "TestSupport", "FakeHTTPServer"],
      swiftSettings: rules),
    .testTarget(name: "BenchTests", dependencies: ["Bench", "Drivers"], swiftSettings: rules),
    // Stands in front of the allocator and of system calls in the tests' executable, and counts.
    .target(name: "AllocationCounter", path: "Tests/Support/AllocationCounter"),
    .target(
      name: "TestSupport", dependencies: ["AllocationCounter", "Drivers"], path: "Tests/Support",
      exclude: ["AllocationCounter"], swiftSettings: rules),
    // The server is a dependency so that its executable is built before the tests run it.
    .testTarget(name: "AcceptanceTests", dependencies: ["TestSupport", "Drivers", "server"], swiftSettings: rules),
    .testTarget(
      name: "FaultTests", dependencies: ["TestSupport", "Drivers", "server", "CLinux"], exclude: ["README.md"],
      swiftSettings: rules),
  ]
)
