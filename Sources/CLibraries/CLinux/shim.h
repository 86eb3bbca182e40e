#pragma once
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

/* Names the calling thread, as top -H shows it; the kernel keeps 15 bytes. */
static inline void palaver_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

/* struct epoll_event is packed on x86-64, which Swift does not import faithfully: only integers cross here. */
static inline int palaver_epoll_control(int epoll, int operation, int descriptor, uint32_t events, uint64_t token) {
  struct epoll_event event;
  event.events = events;
  event.data.u64 = token;
  return epoll_ctl(epoll, operation, descriptor, &event);
}

/* Waits for at most 256 events; tokens and flags go to the two arrays. Returns their number, or -1 with errno. */
static inline int palaver_epoll_wait(int epoll, uint64_t *tokens, uint32_t *flags, int capacity, int timeout_ms) {
  struct epoll_event events[256];
  int count = epoll_wait(epoll, events, capacity < 256 ? capacity : 256, timeout_ms);
  for (int i = 0; i < count; i++) {
    tokens[i] = events[i].data.u64;
    flags[i] = events[i].events;
  }
  return count;
}
