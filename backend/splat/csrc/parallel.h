// Work in parts on threads that are kept between calls: starting one costs as much as drawing
// several tiles. Threads that have nothing to do sleep.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#if !defined(_WIN32)
#include <unistd.h>
#endif

// One parallel loop. It lies on its caller's stack: helpers have left before the caller goes on.
struct Loop {
  void (*run)(const void* body, int64_t part, int worker);
  const void* body;
  int64_t parts;
  int helpers_wanted;  // of the pool's threads, beside the caller; guarded by the pool
  int helpers_inside = 0;
  int workers = 1;  // numbers given out, the caller's is 0
  std::atomic<int64_t> next{0};

  void work(int worker) {
    for (int64_t part; (part = next.fetch_add(1, std::memory_order_relaxed)) < parts;) {
      run(body, part, worker);
    }
  }
};

class Pool {
 public:
  // The process's pool. It is never freed and its threads are never joined: at exit they sleep,
  // and the system ends them (joining them then would hang on Windows).
  static Pool& instance() {
    static std::atomic<Pool*> current{nullptr};
    Pool* pool = current.load(std::memory_order_acquire);
    while (!pool || pool->process_ != process_number()) {  // a fork has none of the threads
      Pool* fresh = new Pool;
      if (current.compare_exchange_strong(pool, fresh)) return *fresh;
      delete fresh;
    }
    return *pool;
  }

  // Calls loop.run for every part, on the calling thread and on helpers as far as they are free.
  void run(Loop& loop) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      loops_.push_back(&loop);
      start_threads(loop.helpers_wanted);
    }
    has_loops_.notify_all();
    loop.work(0);
    std::unique_lock<std::mutex> lock(mutex_);
    loops_.erase(std::find(loops_.begin(), loops_.end(), &loop));
    helper_left_.wait(lock, [&] { return loop.helpers_inside == 0; });
  }

 private:
  static int64_t process_number() {
#if defined(_WIN32)
    return 0;
#else
    return getpid();
#endif
  }

  void start_threads(int wanted) {
    try {
      for (; threads_ < wanted; ++threads_) std::thread([this] { serve(); }).detach();
    } catch (const std::system_error&) {
      // the system gives no more threads: those there are do all parts
    }
  }

  Loop* loop_that_wants_help() {
    for (Loop* loop : loops_) {
      if (loop->helpers_wanted > 0 && loop->next.load(std::memory_order_relaxed) < loop->parts) {
        return loop;
      }
    }
    return nullptr;
  }

  void serve() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      Loop* loop = nullptr;
      has_loops_.wait(lock, [&] { return (loop = loop_that_wants_help()) != nullptr; });
      --loop->helpers_wanted;
      ++loop->helpers_inside;
      const int worker = loop->workers++;
      lock.unlock();
      loop->work(worker);
      lock.lock();
      if (--loop->helpers_inside == 0) helper_left_.notify_all();
    }
  }

  const int64_t process_ = process_number();
  int threads_ = 0;
  std::mutex mutex_;
  std::condition_variable has_loops_, helper_left_;
  std::vector<Loop*> loops_;  // those that are being worked on
};

// Calls body(part, worker) for every part of [0, parts), in any order, on at most `threads`
// threads; worker, of [0, threads), is whose turn it is. The body throws nothing.
template <class Body>
void parallel(int threads, int64_t parts, const Body& body) {
  const int64_t most = std::min<int64_t>(threads, parts);
  if (most <= 1) {
    for (int64_t part = 0; part < parts; ++part) body(part, 0);
    return;
  }
  Loop loop;
  loop.run = [](const void* erased, int64_t part, int worker) {
    (*static_cast<const Body*>(erased))(part, worker);
  };
  loop.body = &body;
  loop.parts = parts;
  loop.helpers_wanted = int(most) - 1;
  Pool::instance().run(loop);
}

// The same for body(begin, end) on pieces of [0, count).
template <class Body>
void parallel_ranges(int threads, int64_t count, const Body& body) {
  constexpr int64_t least = 1024;
  const int64_t parts = std::min<int64_t>(4 * int64_t(threads), (count + least - 1) / least);
  parallel(threads, parts, [&](int64_t part, int) {
    body(count * part / parts, count * (part + 1) / parts);
  });
}
