/// `GET /`: a page for people who open the address in a browser.
struct PageRoutes: Sendable {
  func add(to router: inout Router) {
    router.on("GET", "/") { _ in
      .response(
        HTTPResponse(
          headers: [
            ("Content-Type", "text/html; charset=utf-8"),
            // Nothing is loaded from elsewhere, and no other page may frame this one.
            (
              "Content-Security-Policy",
              "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
                + "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            ),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
          ],
          body: PackageResources.index_html))
    }
  }
}
