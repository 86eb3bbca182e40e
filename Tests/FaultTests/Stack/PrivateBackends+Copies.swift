import Foundation

/// Copies of MariaDB's files, as a backup makes them.
extension PrivateBackends {
  /// Takes a copy. MariaDB is killed for it and comes back: what was acknowledged is in the files.
  func copyDatabase() throws {
    try kill(.mariadb)
    try Self.script("rm -rf $STATE/copy; cp -a --sparse=always $STATE/mariadb $STATE/copy", folder: folder.path)
    try start(.mariadb)
  }

  /// Puts the copy in the place of the files: MariaDB is killed and comes back as it was then.
  func putBackDatabase() throws {
    try kill(.mariadb)
    try Self.script("rm -rf $STATE/mariadb; cp -a --sparse=always $STATE/copy $STATE/mariadb", folder: folder.path)
    try start(.mariadb)
  }
}

extension PrivateBackends {
  /// Puts MariaDB's files elsewhere; it is killed for that and comes back.
  func moveDatabase(to place: URL) throws {
    try kill(.mariadb)
    try Self.script(
      "cp -a --sparse=never $STATE/mariadb '\(place.path)'; rm -rf $STATE/mariadb; ln -s '\(place.path)' $STATE/mariadb",
      folder: folder.path)
    try start(.mariadb)
  }
}
