/// The bus of a server alone: there is nobody to tell anything, and nothing to hear.
public struct LocalBus: Bus {
  public init() {}

  public func publish(_ message: BusMessage) {}
  public func onMessage(_ handler: @escaping @Sendable (BusMessage) -> Void) {}
}
