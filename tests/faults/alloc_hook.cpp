#include "alloc_hook.hpp"

#include <dirent.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>
#include <pthread.h>
#include <unistd.h>
#include <unwind.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <new>

#include "in_library.hpp"

namespace {

std::atomic<bool> armed{false}, persistent{false}, stacks{false};
std::atomic<long> fail_at{0}, count{0}, failures{0}, blocks{0};
thread_local bool thread_is_the_tests = false;

// Where code lies: of the library under test, and of what works for whoever calls it (this program, the C and C++
// libraries, the sanitizers).
class CodeMap {
 public:
  CodeMap() {
    dl_iterate_phdr(
        [](dl_phdr_info *info, std::size_t, void *map) {
          static_cast<CodeMap *>(map)->add(*info);
          return 0;
        },
        this);
  }
  enum class Owner { library, helper, other };
  Owner owner(const void *address) const {
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    for (int i = 0; i < count_; ++i)
      if (ranges_[i].begin <= at && at < ranges_[i].end) return ranges_[i].owner;
    return Owner::other;
  }

 private:
  struct Range {
    std::uintptr_t begin, end;
    Owner owner;
  };
  void add(const dl_phdr_info &info) {
    const char *slash = std::strrchr(info.dlpi_name, '/');
    const char *name = slash ? slash + 1 : info.dlpi_name;
    Owner owner = *name ? Owner::other : Owner::helper;  // the program has no name
    const auto starts = [&](const char *start) { return std::strncmp(name, start, std::strlen(start)) == 0; };
    if (starts("libgpucompute.so")) owner = Owner::library;
    for (const char *helper : {"libstdc++.", "libc.", "libgcc_s.", "libasan.", "libtsan.", "libubsan.", "ld-linux"})
      if (starts(helper)) owner = Owner::helper;
    if (owner == Owner::other) return;
    for (int i = 0; i < info.dlpi_phnum; ++i) {
      const auto &part = info.dlpi_phdr[i];
      if (part.p_type != PT_LOAD || !(part.p_flags & PF_X) || count_ == most) continue;
      const std::uintptr_t begin = info.dlpi_addr + part.p_vaddr;
      ranges_[count_++] = {begin, begin + part.p_memsz, owner};
    }
  }

  static constexpr int most = 16;
  Range ranges_[most];
  int count_ = 0;
};
const CodeMap code;

// Whether the library asks for memory, and not CLBlast or a driver that it called: the first on the stack that is no
// helper tells. No more of the stack is read than that takes, for CLBlast makes ten thousands of allocations.
bool asked_by_library(const void *caller) {
  CodeMap::Owner owner = code.owner(caller);
  if (owner != CodeMap::Owner::helper) return owner == CodeMap::Owner::library;
  owner = CodeMap::Owner::other;
  _Unwind_Backtrace(
      [](_Unwind_Context *frame, void *found) {
        auto &first = *static_cast<CodeMap::Owner *>(found);
        first = code.owner(reinterpret_cast<void *>(_Unwind_GetIP(frame)));
        return first == CodeMap::Owner::helper ? _URC_NO_REASON : _URC_NORMAL_STOP;
      },
      &owner);
  return owner == CodeMap::Owner::library;
}

bool on_watched_thread() { return !thread_is_the_tests || capi_test::calls_in_library > 0; }

// Where the stacks of allocations are recorded, as numbers that differ where the stacks do.
std::uint64_t *recorded = nullptr;
std::atomic<long> record_limit{0};

std::uint64_t stack_number() {
  void *frames[64];
  const int depth = backtrace(frames, 64);
  std::uint64_t number = 14695981039346656037u;
  for (int i = 0; i < depth; ++i) number = (number ^ reinterpret_cast<std::uintptr_t>(frames[i])) * 1099511628211u;
  return number;
}

// Counts an allocation of the library; whether it is to fail. Makes no allocation of its own.
bool fails() {
  const long n = count.fetch_add(1) + 1;
  if (n <= record_limit.load()) recorded[n - 1] = stack_number();
  if (!armed.load()) return false;
  const long at = fail_at.load();
  if (persistent.load() ? n < at : n != at) return false;
  if (failures.fetch_add(1) == 0 && stacks.load()) {
    void *frames[48];
    const int depth = backtrace(frames, 48);
    backtrace_symbols_fd(frames, depth, STDERR_FILENO);
  }
  return true;
}

// In front of each block, so that its end is counted where its beginning was.
struct Header {
  void *start;
  std::uint64_t counted;
};
static_assert(sizeof(Header) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);

void *allocate(std::size_t size, std::size_t alignment, const void *caller) noexcept {
  // What CLBlast keeps counts as living: it must not grow for ever either.
  const bool mine = on_watched_thread();
  if (mine && asked_by_library(caller) && fails()) return nullptr;
  if (size > PTRDIFF_MAX / 2) return nullptr;
  char *start = static_cast<char *>(std::malloc(size + 2 * alignment));
  if (!start) return nullptr;
  const std::uintptr_t first = reinterpret_cast<std::uintptr_t>(start) + sizeof(Header);
  char *block = start + ((first + alignment - 1) / alignment * alignment - reinterpret_cast<std::uintptr_t>(start));
  reinterpret_cast<Header *>(block)[-1] = {start, mine};
  if (mine) blocks.fetch_add(1);
  return block;
}

void *allocate_or_throw(std::size_t size, std::size_t alignment, const void *caller) {
  void *block = allocate(size, alignment, caller);
  if (!block) throw std::bad_alloc();
  return block;
}

void deallocate(void *block) noexcept {
  if (!block) return;
  const Header header = static_cast<Header *>(block)[-1];
  if (header.counted) blocks.fetch_sub(1);
  std::free(header.start);
}

constexpr std::size_t usual = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

template <class Function>
Function next(const char *name) {
  Function function;
  void *const address = dlsym(RTLD_NEXT, name);
  if (!address) std::abort();
  std::memcpy(&function, &address, sizeof function);
  return function;
}

bool fails_for(void *caller) {
  if (code.owner(caller) != CodeMap::Owner::library || !fails()) return false;
  errno = ENOMEM;
  return true;
}

}  // namespace

namespace alloc_hook {

void this_thread_is_the_tests() {
  thread_is_the_tests = true;
  void *frame;
  backtrace(&frame, 1);  // loads what it needs now, not within an allocation
}

void arm(long n, bool from_then_on) {
  disarm();
  fail_at = n;
  persistent = from_then_on;
  armed = true;
}

void disarm() {
  armed = false;
  count = failures = 0;
}

long counted() { return count; }
long failed() { return failures; }
long living() { return blocks; }

void record_stacks(std::uint64_t *numbers, long most) {
  recorded = numbers;
  record_limit = numbers ? most : 0;
}

void print_stacks(bool print) { stacks = print; }

}  // namespace alloc_hook

#define CALLER __builtin_return_address(0)
void *operator new(std::size_t size) { return allocate_or_throw(size, usual, CALLER); }
void *operator new[](std::size_t size) { return allocate_or_throw(size, usual, CALLER); }
void *operator new(std::size_t size, std::align_val_t to) {
  return allocate_or_throw(size, static_cast<std::size_t>(to), CALLER);
}
void *operator new[](std::size_t size, std::align_val_t to) {
  return allocate_or_throw(size, static_cast<std::size_t>(to), CALLER);
}
void *operator new(std::size_t size, const std::nothrow_t &) noexcept { return allocate(size, usual, CALLER); }
void *operator new[](std::size_t size, const std::nothrow_t &) noexcept { return allocate(size, usual, CALLER); }
void *operator new(std::size_t size, std::align_val_t to, const std::nothrow_t &) noexcept {
  return allocate(size, static_cast<std::size_t>(to), CALLER);
}
void *operator new[](std::size_t size, std::align_val_t to, const std::nothrow_t &) noexcept {
  return allocate(size, static_cast<std::size_t>(to), CALLER);
}
void operator delete(void *block) noexcept { deallocate(block); }
void operator delete[](void *block) noexcept { deallocate(block); }
void operator delete(void *block, std::size_t) noexcept { deallocate(block); }
void operator delete[](void *block, std::size_t) noexcept { deallocate(block); }
void operator delete(void *block, std::align_val_t) noexcept { deallocate(block); }
void operator delete[](void *block, std::align_val_t) noexcept { deallocate(block); }
void operator delete(void *block, std::size_t, std::align_val_t) noexcept { deallocate(block); }
void operator delete[](void *block, std::size_t, std::align_val_t) noexcept { deallocate(block); }
void operator delete(void *block, const std::nothrow_t &) noexcept { deallocate(block); }
void operator delete[](void *block, const std::nothrow_t &) noexcept { deallocate(block); }
void operator delete(void *block, std::align_val_t, const std::nothrow_t &) noexcept { deallocate(block); }
void operator delete[](void *block, std::align_val_t, const std::nothrow_t &) noexcept { deallocate(block); }

// What the library is to find instead of the C library's.
#pragma GCC visibility push(default)
extern "C" {

char *strdup(const char *text) {
  static const auto real = next<char *(*)(const char *)>("strdup");
  return fails_for(CALLER) ? nullptr : real(text);
}

FILE *fopen(const char *path, const char *mode) {
  static const auto real = next<FILE *(*)(const char *, const char *)>("fopen");
  return fails_for(CALLER) ? nullptr : real(path, mode);
}

FILE *fdopen(int fd, const char *mode) {
  static const auto real = next<FILE *(*)(int, const char *)>("fdopen");
  return fails_for(CALLER) ? nullptr : real(fd, mode);
}

DIR *opendir(const char *path) {
  static const auto real = next<DIR *(*)(const char *)>("opendir");
  return fails_for(CALLER) ? nullptr : real(path);
}

DIR *fdopendir(int fd) {
  static const auto real = next<DIR *(*)(int)>("fdopendir");
  return fails_for(CALLER) ? nullptr : real(fd);
}

// A thread needs a stack. The caller is the C++ library, for whoever asked it.
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
  static const auto real =
      next<int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *)>("pthread_create");
  return on_watched_thread() && asked_by_library(CALLER) && fails() ? EAGAIN
                                                                    : real(thread, attributes, start, argument);
}
}
#pragma GCC visibility pop
