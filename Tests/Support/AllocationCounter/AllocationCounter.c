// Counts what a program asks of the allocator and of the kernel, by standing in front of the C library's functions.
// A definition in the executable comes before one in a shared library, for everything that is linked with it.
#define _GNU_SOURCE
#include "AllocationCounter.h"
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

static _Thread_local struct work_counts of_thread;
static struct {
  _Atomic uint64_t allocations, allocated_bytes, frees, writes, reads, waits, controls;
} of_process;

#define COUNT(what, number)                                                                   \
  do {                                                                                        \
    of_thread.what += (number);                                                               \
    atomic_fetch_add_explicit(&of_process.what, (uint64_t)(number), memory_order_relaxed);    \
  } while (0)

struct work_counts work_counts_of_thread(void) { return of_thread; }

struct work_counts work_counts_of_process(void) {
  struct work_counts counts = {
      of_process.allocations, of_process.allocated_bytes, of_process.frees,   of_process.writes,
      of_process.reads,       of_process.waits,           of_process.controls};
  return counts;
}

// The allocator. glibc offers its own functions under these names to those that replace the usual ones.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

void *malloc(size_t size) {
  COUNT(allocations, 1);
  COUNT(allocated_bytes, size);
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  COUNT(allocations, 1);
  COUNT(allocated_bytes, count * size);
  return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size) {
  COUNT(allocations, 1);
  COUNT(allocated_bytes, size);
  if (block) COUNT(frees, 1);
  return __libc_realloc(block, size);
}

int posix_memalign(void **block, size_t alignment, size_t size) {
  COUNT(allocations, 1);
  COUNT(allocated_bytes, size);
  void *made = __libc_memalign(alignment, size);
  if (!made) return ENOMEM;
  *block = made;
  return 0;
}

void *aligned_alloc(size_t alignment, size_t size) {
  COUNT(allocations, 1);
  COUNT(allocated_bytes, size);
  return __libc_memalign(alignment, size);
}

void free(void *block) {
  if (block) COUNT(frees, 1);
  __libc_free(block);
}

// The kernel. The C library's function is looked up once: twice at the same time finds the same.
#define NEXT(name)                                                                            \
  static __typeof__(name) *_Atomic next_##name;                                               \
  __typeof__(name) *next = next_##name;                                                       \
  if (!next) next_##name = next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name);

extern ssize_t read(int, void *, size_t);
extern ssize_t write(int, const void *, size_t);

ssize_t send(int descriptor, const void *bytes, size_t count, int flags) {
  COUNT(writes, 1);
  NEXT(send);
  return next(descriptor, bytes, count, flags);
}

ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags) {
  COUNT(writes, 1);
  NEXT(sendmsg);
  return next(descriptor, message, flags);
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
  COUNT(writes, 1);
  NEXT(write);
  return next(descriptor, bytes, count);
}

ssize_t writev(int descriptor, const struct iovec *pieces, int count) {
  COUNT(writes, 1);
  NEXT(writev);
  return next(descriptor, pieces, count);
}

ssize_t recv(int descriptor, void *bytes, size_t count, int flags) {
  COUNT(reads, 1);
  NEXT(recv);
  return next(descriptor, bytes, count, flags);
}

ssize_t read(int descriptor, void *bytes, size_t count) {
  COUNT(reads, 1);
  NEXT(read);
  return next(descriptor, bytes, count);
}

int epoll_wait(int epoll, struct epoll_event *events, int capacity, int timeout) {
  COUNT(waits, 1);
  NEXT(epoll_wait);
  return next(epoll, events, capacity, timeout);
}

int epoll_ctl(int epoll, int operation, int descriptor, struct epoll_event *event) {
  COUNT(controls, 1);
  NEXT(epoll_ctl);
  return next(epoll, operation, descriptor, event);
}
