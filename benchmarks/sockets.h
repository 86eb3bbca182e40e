// What the benchmark's clients and raw servers share: sockets, time, WebSocket framing (RFC 6455).
#pragma once
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static inline void die(const char *what) {
  perror(what);
  exit(1);
}

static inline double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static inline void set_nonblocking(int descriptor) {
  fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
}

static inline int connect_to(int port) {
  int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  if (descriptor < 0) die("socket");
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(descriptor, (struct sockaddr *)&address, sizeof address) < 0) die("connect");
  int one = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return descriptor;
}

static inline int listen_on(int port) {
  int descriptor = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(descriptor, (struct sockaddr *)&address, sizeof address) < 0) die("bind");
  if (listen(descriptor, 4096) < 0) die("listen");
  return descriptor;
}

static inline void write_all(int descriptor, const void *bytes, size_t count) {
  const char *next = bytes;
  while (count > 0) {
    ssize_t written = write(descriptor, next, count);
    if (written < 0 && errno == EAGAIN) { usleep(100); continue; }
    if (written <= 0) die("write");
    next += written;
    count -= written;
  }
}

// Opens a WebSocket; the reply's head is read byte by byte so that nothing behind it is taken.
static inline int open_websocket(int port, const char *path, const char *subprotocol) {
  int descriptor = connect_to(port);
  char request[2048], extra[256] = "";
  if (subprotocol) snprintf(extra, sizeof extra, "Sec-WebSocket-Protocol: %s\r\n", subprotocol);
  snprintf(request, sizeof request,
    "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n", path, port, extra);
  write_all(descriptor, request, strlen(request));
  char head[4096];
  size_t count = 0;
  while (count < sizeof head - 1 && (count < 4 || memcmp(head + count - 4, "\r\n\r\n", 4))) {
    if (read(descriptor, head + count, 1) != 1) die("handshake");
    count++;
  }
  head[count] = 0;
  if (strncmp(head, "HTTP/1.1 101", 12)) {
    fprintf(stderr, "handshake refused: %s\n", head);
    exit(1);
  }
  return descriptor;
}

// The length of the frame at the beginning of a buffer, header included; 0 if it is not whole. Unmasked frames.
static inline size_t frame_length(const uint8_t *bytes, size_t count, size_t *header) {
  if (count < 2) return 0;
  uint64_t payload = bytes[1] & 127;
  *header = 2;
  if (payload == 126) {
    if (count < 4) return 0;
    payload = (uint64_t)bytes[2] << 8 | bytes[3];
    *header = 4;
  } else if (payload == 127) {
    if (count < 10) return 0;
    payload = 0;
    for (int index = 2; index < 10; index++) payload = payload << 8 | bytes[index];
    *header = 10;
  }
  return count < *header + payload ? 0 : *header + payload;
}

// A text frame as servers send it, without a mask.
static inline size_t server_frame(uint8_t *to, const char *payload, size_t count) {
  size_t header = 2;
  to[0] = 0x81;
  if (count < 126) to[1] = count;
  else { to[1] = 126; to[2] = count >> 8; to[3] = count; header = 4; }
  memcpy(to + header, payload, count);
  return header + count;
}

// A masked text frame with the mask 0, which leaves the payload as it is.
static inline size_t client_frame_of(uint8_t opcode, uint8_t *to, const char *payload, size_t count) {
  size_t header = 2;
  to[0] = 0x80 | opcode;
  if (count < 126) to[1] = 0x80 | count;
  else { to[1] = 0x80 | 126; to[2] = count >> 8; to[3] = count; header = 4; }
  memset(to + header, 0, 4);
  memcpy(to + header + 4, payload, count);
  return header + 4 + count;
}

static inline size_t client_frame(uint8_t *to, const char *payload, size_t count) {
  return client_frame_of(1, to, payload, count);
}

static inline void base64(char *to, const uint8_t *bytes, size_t count) {
  const char *digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t at = 0; at < count; at += 3) {
    uint32_t three = bytes[at] << 16 | (at + 1 < count ? bytes[at + 1] << 8 : 0) | (at + 2 < count ? bytes[at + 2] : 0);
    *to++ = digits[three >> 18];
    *to++ = digits[three >> 12 & 63];
    *to++ = at + 1 < count ? digits[three >> 6 & 63] : '=';
    *to++ = at + 2 < count ? digits[three & 63] : '=';
  }
  *to = 0;
}
