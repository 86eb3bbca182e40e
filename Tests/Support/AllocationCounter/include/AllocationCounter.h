#pragma once
#include <stdint.h>

/* What was done since the process or the thread began. */
struct work_counts {
  /* Calls of malloc, calloc, realloc, posix_memalign and aligned_alloc, and the bytes that they were asked for. */
  uint64_t allocations, allocated_bytes;
  /* Blocks given back: what was allocated and is not among these is held. */
  uint64_t frees;
  /* Calls of send, sendmsg, write and writev; of recv and read; of epoll_wait; of epoll_ctl. */
  uint64_t writes, reads, waits, controls;
};

/* Of the calling thread: exact whatever others do meanwhile. */
struct work_counts work_counts_of_thread(void);

/* Of all threads: for work that goes from one thread to another. What else runs meanwhile is counted too. */
struct work_counts work_counts_of_process(void);
