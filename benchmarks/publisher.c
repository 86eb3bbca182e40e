// Feeds `broadcast_raw` with COUNT frames of BYTES payload, WINDOW of them not yet read back.
// usage: publisher PORT COUNT BYTES WINDOW
#include "sockets.h"

int main(int argc, char **argv) {
  if (argc < 5) { fprintf(stderr, "usage: publisher PORT COUNT BYTES WINDOW\n"); return 2; }
  long count = atol(argv[2]), window = atol(argv[4]), sent = 0;
  size_t size = atoi(argv[3]);
  int descriptor = open_websocket(atoi(argv[1]), "/", NULL);
  uint8_t *frames = malloc(window * (size + 10)), *end = frames;
  for (long index = 0; index < window; index++) {
    *end++ = 0x81;
    if (size < 126) *end++ = size;
    else { *end++ = 126; *end++ = size >> 8; *end++ = size; }
    memset(end, 'x', size);
    end += size;
  }
  size_t one = (end - frames) / window, received = 0;
  static uint8_t echo[262144];
  while (received < one * count) {
    long room = window - (sent - (long)(received / one)), next = count - sent < room ? count - sent : room;
    if (next > 0) write_all(descriptor, frames, one * next);
    sent += next;
    ssize_t got = read(descriptor, echo, sizeof echo);
    if (got == 0) return 1;
    if (got > 0) received += got;
  }
  return 0;
}
