// Translates the conventions of the ABI: structures with versions, strings, lists, waits, events.
#pragma once

#include <gpucompute/gpucompute.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "guard.hpp"
#include "handles.hpp"
#include "support/fail.hpp"

namespace gpucompute::capi {

template <class T>
T &need(T *pointer, const char *argument) {
  if (!pointer) fail(Status::null_argument, argument, " is NULL");
  return *pointer;
}

// Before the guard: whatever fails, a forked child included, out handles are NULL.
template <class... Handles>
void clear_out(Handles **...out) noexcept {
  ((out ? static_cast<void>(*out = nullptr) : static_cast<void>(0)), ...);
}

template <class Handle>
Handle *&need_out(Handle **out, const char *argument) {
  return need(out, argument);
}

// Structures. `first_size` is what the first version of the structure had.
template <class T>
void init_struct(T *out, std::size_t struct_size, std::size_t first_size, T defaults, const char *argument) {
  need(out, argument);
  if (struct_size < first_size || struct_size > UINT32_MAX)
    fail(Status::invalid_argument, "struct_size is ", struct_size, ", must be at least ", first_size, " for ",
         argument);
  defaults.struct_size = static_cast<std::uint32_t>(struct_size);
  std::memset(static_cast<void *>(out), 0, struct_size);
  std::memcpy(static_cast<void *>(out), &defaults, std::min(struct_size, sizeof defaults));
}

template <class T>
T read_struct(const T *in, std::size_t first_size, const T &defaults, const char *argument, std::uint32_t known_flags) {
  const std::size_t size = need(in, argument).struct_size;
  if (size < first_size)
    fail(Status::invalid_argument, argument, "->struct_size is ", size, ", must be at least ", first_size,
         "; set it up with its _init function");
  if (size > sizeof(T)) {
    const auto *bytes = reinterpret_cast<const unsigned char *>(in);
    if (std::any_of(bytes + sizeof(T), bytes + size, [](unsigned char byte) { return byte != 0; }))
      fail(Status::invalid_argument, argument,
           " uses fields that this version of the library does not have (struct_size ", size, ", known ", sizeof(T),
           ")");
  }
  T result = defaults;
  std::memcpy(static_cast<void *>(&result), in, std::min(size, sizeof(T)));
  if (result.flags & ~known_flags)
    fail(Status::invalid_argument, argument, "->flags is ", result.flags, ", which has unknown bits; known are ",
         known_flags);
  return result;
}

// Text in: pointer and length, or up to the NUL.
inline std::string text_in(const char *pointer, std::size_t size, const char *argument) {
  if (size == 0) return {};
  need(pointer, argument);
  return size == GPUC_NUL_TERMINATED ? std::string(pointer) : std::string(pointer, size);
}

inline std::string optional_text(const char *pointer) { return pointer ? std::string(pointer) : std::string(); }

inline void bytes_out(const void *data, std::size_t size, void *buf, std::size_t capacity, std::size_t *out_needed) {
  if (out_needed) *out_needed = size;
  if (capacity == 0) {
    if (!out_needed)
      fail(Status::null_argument, "out_needed is NULL while capacity is 0: there is nowhere to put an answer");
    return;
  }
  need(static_cast<char *>(buf), "buf");
  if (capacity < size) fail(Status::buffer_too_small, "capacity is ", capacity, " bytes, must be at least ", size);
  if (size) std::memcpy(buf, data, size);
}

inline void text_out(const std::string &value, char *buf, std::size_t capacity, std::size_t *out_needed) {
  bytes_out(value.c_str(), value.size() + 1, buf, capacity, out_needed);
}

// A list of objects as handles: at most `capacity`, and the number there are. All or none are given.
template <class Handle, class Core>
void list_out(const std::vector<std::shared_ptr<Core>> &objects, Handle **items, std::size_t capacity,
              std::size_t *out_count) {
  need(out_count, "out_count") = 0;
  if (capacity) need(items, "items");
  const std::size_t count = std::min(capacity, objects.size());
  std::fill(items, items + count, nullptr);
  std::size_t given = 0;
  struct Undo {
    Handle **items;
    std::size_t &given;
    bool armed = true;
    ~Undo() {
      while (armed && given > 0) {
        release(items[--given]);
        items[given] = nullptr;
      }
    }
  } undo{items, given};
  for (; given < count; ++given) items[given] = give<Handle>(objects[given]);
  undo.armed = false;
  *out_count = objects.size();
}

// The events that a command waits for, pinned for the call. Few need no allocation.
class WaitList {
 public:
  WaitList(gpuc_event *const *waits, std::size_t count, const Queue &queue) {
    if (count == 0) return;
    need(waits, "waits");
    if (count > UINT32_MAX) fail(Status::invalid_argument, "wait_count is ", count, ", must be below 2^32");
    if (count > few_.size()) {
      many_.resize(count);
      events_ = many_.data();
    }
    pins_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      pins_.emplace_back(waits[i], "waits", i);
      Event &event = *pins_.back();
      if (&event.context() != &queue.context())
        fail(Status::context_mismatch, "waits[", i, "] is an event of another context than the queue");
      // A queue that waits for another's command waits for ever if nobody hands that over.
      if (event.timeline() != queue.timeline().get()) event.ensure_flushed();
      events_[i] = event.native();
    }
    count_ = static_cast<cl_uint>(count);
  }
  WaitList(const WaitList &) = delete;
  WaitList &operator=(const WaitList &) = delete;

  operator Waits() const noexcept { return {count_ ? events_ : nullptr, count_}; }

 private:
  std::vector<Pinned<gpuc_event>> pins_;
  std::array<cl_event, 8> few_;
  std::vector<cl_event> many_;
  cl_event *events_ = few_.data();
  cl_uint count_ = 0;
};

// The event of a command, given to the caller once the command is accepted. Only asked for where the caller wants one.
class EventOut {
 public:
  // The place of the handle is had before the command: a command that is accepted is not to fail afterwards.
  explicit EventOut(gpuc_event **out) : out_(out) {
    if (!out_) return;
    *out_ = nullptr;
    place_ = ReservedSlot::take();
  }
  OutEvent slot() noexcept { return out_ ? &event_ : nullptr; }
  void give_out() noexcept {
    if (out_) *out_ = reinterpret_cast<gpuc_event *>(place_.give(std::move(event_), HandleTraits<gpuc_event>::type));
  }

 private:
  gpuc_event **out_;
  ReservedSlot place_;
  std::shared_ptr<Event> event_;
};

// put(waits, out) puts a command on the queue.
template <class Put>
void command(const Queue &queue, gpuc_event *const *waits, std::size_t wait_count, gpuc_event **out_event, Put &&put) {
  if (!out_event && wait_count == 0) return put(Waits{}, nullptr);
  EventOut event(out_event);
  const WaitList wait_list(waits, wait_count, queue);
  put(static_cast<Waits>(wait_list), event.slot());
  event.give_out();
}

// The arguments of a launch, with their buffers pinned for the call. On the path of every launch: nothing is
// initialised that is not used, and up to 16 arguments need no allocation.
class ArgumentList {
 public:
  ArgumentList(const gpuc_arg *args, std::size_t count);
  ~ArgumentList() {
    while (pin_count_ > 0) unpin(pins_[--pin_count_]);
  }
  ArgumentList(const ArgumentList &) = delete;
  ArgumentList &operator=(const ArgumentList &) = delete;

  const Argument *data() const noexcept { return arguments_; }
  std::size_t size() const noexcept { return count_; }

 private:
  static constexpr std::size_t few = 16;

  Argument few_[few];
  Slot *few_pins_[few];
  std::unique_ptr<Argument[]> many_;
  std::unique_ptr<Slot *[]> many_pins_;
  Argument *arguments_ = few_;
  Slot **pins_ = few_pins_;
  std::size_t count_, pin_count_ = 0;
};

std::vector<std::pair<std::string, std::string>> defines_in(const gpuc_define *defines, std::size_t count);

}  // namespace gpucompute::capi
