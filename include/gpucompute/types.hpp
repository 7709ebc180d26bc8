// Element types, and the base of all shared objects.
#pragma once

#include <CL/cl.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace gpucompute {

enum class DataType : std::int32_t {
  none = 0,
  i8 = 1,
  u8 = 2,
  i16 = 3,
  u16 = 4,
  i32 = 5,
  u32 = 6,
  i64 = 7,
  u64 = 8,
  f16 = 9,
  f32 = 10,
  f64 = 11,
  c64 = 12,
  c128 = 13,
  bf16 = 14,
  f8e4m3 = 15,  // the finite-only e4m3fn of the OCP: no infinities, largest value 448
  f8e5m2 = 16,
  boolean = 17,  // one byte; 0 is false, 1 is true, others are read as true
};

// 0 for DataType::none and for a value outside the enumeration.
std::size_t size_of(DataType type) noexcept;
// "f32"; "none" for what is no type. Static strings.
const char *name_of(DataType type) noexcept;

// Base of the objects that a language binding hands out. All of them live in shared_ptrs.
class Object : public std::enable_shared_from_this<Object> {
 public:
  Object() = default;
  Object(const Object &) = delete;
  Object &operator=(const Object &) = delete;
  virtual ~Object() = default;

  // A word for the binding layer: the handle under which it knows this object. The core never looks at it.
  std::atomic<std::uintptr_t> binding{0};
};

template <class T>
std::shared_ptr<T> share(T &object) {
  return std::static_pointer_cast<T>(object.shared_from_this());
}

// Events that a command waits for; the pointed-to array belongs to the caller.
struct Waits {
  const cl_event *events = nullptr;
  cl_uint count = 0;
};

}  // namespace gpucompute
