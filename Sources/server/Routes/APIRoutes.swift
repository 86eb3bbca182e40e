import ChatRooms
import HistoryIndex

/// All routes of a server.
enum APIRoutes {
  static func router(
    services: Services, authenticator: Authenticator, phase: ServerPhase, monitor: HealthMonitor,
    searches: SearchLimits = SearchLimits()
  ) -> Router {
    var router = Router(metrics: RouteMetrics(services.metrics), errors: RouteErrors(log: services.log))
    ChatroomRoutes(services: services, authenticator: authenticator).add(to: &router)
    MemberRoutes(services: services, authenticator: authenticator).add(to: &router)
    UserRoutes(services: services, authenticator: authenticator).add(to: &router)
    MessageRoutes(services: services, authenticator: authenticator).add(to: &router)
    SocketRoutes(services: services, authenticator: authenticator, phase: phase).add(to: &router)
    SearchRoutes(
      services: services, authenticator: authenticator, gate: SearchGate(searches, metrics: services.metrics)
    ).add(to: &router)
    HealthRoutes(metrics: services.metrics, phase: phase, monitor: monitor).add(to: &router)
    PageRoutes().add(to: &router)
    return router
  }
}
