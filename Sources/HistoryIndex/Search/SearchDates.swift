import ChatRooms
import Foundation

/// Turns the dates of a query into half-open ranges of time, in the caller's time zone.
struct SearchDates: Sendable {
  private let now: Milliseconds
  private let timeZone: TimeZone

  init(now: Milliseconds, timeZone: TimeZone) {
    self.now = now
    self.timeZone = timeZone
  }

  /// Made where it is needed: few queries name a date, and it takes longer to make than the rest to read.
  private var calendar: Calendar {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = timeZone
    return calendar
  }

  /// A stretch of time; without an end it lasts until now, and later.
  struct Range: Equatable {
    var start: Milliseconds
    var end: Milliseconds?
  }

  /// `2026`, `2026-11`, `2026-11-20`, `today`, `yesterday`; `7d`, `12h`, `2w` (that long ago until now); and, exactly to
  /// the millisecond, `@1700000000000` or `@1700000000000..1800000000000`.
  func range(_ typed: String) -> Range? {
    let text = String(String.UnicodeScalarView(typed.unicodeScalars.map(SearchSyntax.plainForm))).lowercased()
    return switch text {
    case "today": day(before: 0)
    case "yesterday": day(before: 1)
    default: exact(text) ?? relative(text) ?? calendarDate(text)
    }
  }

  private func exact(_ text: String) -> Range? {
    guard text.hasPrefix("@") else { return nil }
    let ends = text.dropFirst().split(separator: "..", omittingEmptySubsequences: false)
    guard let start = ends.first.flatMap({ Int64($0) }) else { return nil }
    if ends.count == 1 { return Range(start: start, end: nil) }
    guard ends.count == 2, let end = Int64(ends[1]) else { return nil }
    return Range(start: start, end: end)
  }

  private func relative(_ text: String) -> Range? {
    let hour: Milliseconds = 3_600_000
    let units: [Character: Milliseconds] = ["h": hour, "d": 24 * hour, "w": 7 * 24 * hour]
    guard let last = text.last, let unit = units[last], text.count <= 6,
      let count = SearchOperators.number(text.dropLast())
    else { return nil }
    return Range(start: now - count * unit, end: nil)
  }

  private func calendarDate(_ text: String) -> Range? {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    let lengths = [4, 2, 2]
    guard parts.count <= 3, zip(parts, lengths).allSatisfy({ $0.utf8.count <= $1 }), parts[0].utf8.count == 4 else {
      return nil
    }
    let numbers = parts.compactMap(SearchOperators.number).map(Int.init)
    guard numbers.count == parts.count, numbers[0] > 0 else { return nil }
    let unit: Calendar.Component = [.year, .month, .day][numbers.count - 1]
    return range(year: numbers[0], month: numbers.dropFirst().first ?? 1, day: numbers.dropFirst(2).first ?? 1, unit)
  }

  private func range(year: Int, month: Int, day: Int, _ unit: Calendar.Component) -> Range? {
    // Noon exists on every day; midnight does not, where clocks go forward at midnight.
    let noon = DateComponents(year: year, month: month, day: day, hour: 12)
    guard Self.exists(year: year, month: month, day: day), let first = calendar.date(from: noon),
      let next = calendar.date(byAdding: unit, value: 1, to: first)
    else { return nil }
    return Range(start: startOfDay(first), end: startOfDay(next))
  }

  private func day(before days: Int) -> Range? {
    let moment = Date(timeIntervalSince1970: Double(now) / 1_000)
    guard let first = calendar.date(byAdding: .day, value: -days, to: moment),
      let next = calendar.date(byAdding: .day, value: 1, to: first)
    else { return nil }
    return Range(start: startOfDay(first), end: startOfDay(next))
  }

  private func startOfDay(_ date: Date) -> Milliseconds {
    Milliseconds(calendar.startOfDay(for: date).timeIntervalSince1970 * 1_000)
  }

  /// `Calendar` takes the 30th of February for the 2nd of March.
  private static func exists(year: Int, month: Int, day: Int) -> Bool {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return (1...12).contains(month) && (1...days[month - 1]).contains(day)
  }
}
