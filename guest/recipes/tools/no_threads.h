/* The classes of <thread>, <mutex> and <condition_variable>, which libc++ leaves out where the system has no threads.
   No thread can be started, so a lock is always free. */

#pragma once

#include <cerrno>
#include <exception>
#include <system_error>

namespace std {

class mutex {
public:
  constexpr mutex() noexcept = default;
  mutex(const mutex &) = delete;
  mutex &operator=(const mutex &) = delete;
  void lock() {}
  bool try_lock() { return true; }
  void unlock() {}
};

class recursive_mutex : public mutex {};

class condition_variable {
public:
  void notify_one() noexcept {}
  void notify_all() noexcept {}
  /* Nothing could end the wait. */
  template <class Lock> void wait(Lock &) { terminate(); }
  template <class Lock, class Predicate> void wait(Lock &, Predicate predicate) {
    if (!predicate()) terminate();
  }
};

class thread {
public:
  class id {
  public:
    friend constexpr bool operator==(id, id) noexcept { return true; }
    friend constexpr bool operator!=(id, id) noexcept { return false; }
    friend constexpr bool operator<(id, id) noexcept { return false; }
  };

  thread() noexcept = default;
  template <class Function, class... Arguments> explicit thread(Function &&, Arguments &&...) {
    throw system_error(EAGAIN, generic_category(), "threads are not supported");
  }
  bool joinable() const noexcept { return false; }
  void join() {}
  void detach() {}
  id get_id() const noexcept { return {}; }
  static unsigned hardware_concurrency() noexcept { return 1; }
};

namespace this_thread {

inline thread::id get_id() noexcept { return {}; }
inline void yield() noexcept {}

} // namespace this_thread

} // namespace std
