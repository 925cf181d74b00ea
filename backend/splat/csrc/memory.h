// Large buffers that are written before they are read.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

// Fresh memory costs a page fault every 4 KiB, which at 100 MB is a tenth of a backward pass.
inline void prefer_huge_pages(void* memory, size_t bytes) {
#if defined(__linux__)
  const uintptr_t page = 4096, begin = (uintptr_t(memory) + page - 1) / page * page;
  const uintptr_t end = (uintptr_t(memory) + bytes) / page * page;
  if (bytes >= (8u << 20)) madvise((void*)begin, end - begin, MADV_HUGEPAGE);
#else
  (void)memory, (void)bytes;
#endif
}

template <class T>
struct Pages {
  T* data;  // not initialised
  explicit Pages(int64_t count) : data((T*)std::malloc(sizeof(T) * (count + 1))) {
    if (!data) throw std::bad_alloc();
    prefer_huge_pages(data, sizeof(T) * count);
  }
  ~Pages() { std::free(data); }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
};
