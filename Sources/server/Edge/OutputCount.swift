/// What a loop wrote since it last said so: a lock for each frame would cost as much as the frame.
struct OutputCount {
  var frames = 0
  var bytes = 0
  var writes = 0

  mutating func report(to metrics: EdgeMetrics) {
    guard frames > 0 || writes > 0 else { return }
    metrics.framesOut.add(frames)
    metrics.bytesOut.add(bytes)
    metrics.writes.add(writes)
    self = OutputCount()
  }
}
