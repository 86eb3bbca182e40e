// Messages that carry the moment at which they were due, and how long they took: a histogram of latencies.
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define BUCKETS_OF_A_DOUBLING 64
#define DOUBLINGS 32

struct latencies { long counts[DOUBLINGS * BUCKETS_OF_A_DOUBLING]; long total; };

// Buckets of equal relative width (1/64) from a microsecond on.
static inline int bucket_of(double seconds) {
  uint64_t micros = seconds < 1e-6 ? 1 : (uint64_t)(seconds * 1e6);
  int doubling = 63 - __builtin_clzll(micros);
  uint64_t rest = ((micros << 6) >> doubling) - BUCKETS_OF_A_DOUBLING;
  int bucket = doubling * BUCKETS_OF_A_DOUBLING + (int)rest;
  return bucket < DOUBLINGS * BUCKETS_OF_A_DOUBLING ? bucket : DOUBLINGS * BUCKETS_OF_A_DOUBLING - 1;
}

static inline void add_latency(struct latencies *all, double seconds) {
  all->counts[bucket_of(seconds)]++;
  all->total++;
}

// Milliseconds below which this share lies.
static inline double quantile(const struct latencies *all, double share) {
  long wanted = (long)(all->total * share), seen = 0;
  for (int bucket = 0; bucket < DOUBLINGS * BUCKETS_OF_A_DOUBLING; bucket++) {
    seen += all->counts[bucket];
    if (seen > wanted) {
      int doubling = bucket / BUCKETS_OF_A_DOUBLING, rest = bucket % BUCKETS_OF_A_DOUBLING;
      return (double)(1ull << doubling) * (1 + (rest + 0.5) / BUCKETS_OF_A_DOUBLING) / 1e3;
    }
  }
  return 0;
}

// A mark is "~~" and 16 hexadecimal digits: nanoseconds of the monotonic clock.
static inline void write_mark(char *to, double moment) {
  char mark[24];
  snprintf(mark, sizeof mark, "~~%016lx", (unsigned long)(moment * 1e9));
  memcpy(to, mark, 18);
}

// The moment in a message's mark; 0 without one.
static inline double read_mark(const uint8_t *bytes, size_t count) {
  const uint8_t *mark = memmem(bytes, count, "~~", 2);
  if (!mark || mark + 18 > bytes + count) return 0;
  uint64_t value = 0;
  for (int index = 2; index < 18; index++) {
    uint8_t digit = mark[index];
    value = value << 4 | (uint64_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
  }
  return value / 1e9;
}
