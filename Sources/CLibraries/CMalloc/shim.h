#pragma once
#include <malloc.h>

/* At most so many arenas, by default eight for each processor; see mallopt(3). */
static inline void palaver_limit_arenas(int count) { mallopt(M_ARENA_MAX, count); }

/* Gives whole pages of freed memory back to the system, wherever they lie; see malloc_trim(3). */
static inline void palaver_return_freed_memory(void) { malloc_trim(0); }
