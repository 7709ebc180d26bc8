// What the calls of capi_fuzz share: the handles that live, the memory that calls may touch, and arguments made of the
// input's bytes, most of them good, some of them not.
#pragma once

#include <gpucompute/gpucompute.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "faults/faults.h"
#include "fuzz_input.hpp"

namespace fuzz {

// A function of the ABI and the statuses that the header documents for it.
struct Expected {
  const char *function;
  std::set<gpuc_status> statuses;
};

// The kinds of handles, in the order of the lists in World.
constexpr std::size_t kind_count = 11;
template <class Handle>
struct Kind;
#define FUZZ_KIND(name, number)                                                   \
  template <>                                                                     \
  struct Kind<gpuc_##name> {                                                      \
    static constexpr std::size_t index = number;                                  \
    static gpuc_status retain(gpuc_##name *h) { return gpuc_##name##_retain(h); } \
    static void release(gpuc_##name *h) { gpuc_##name##_release(h); }             \
  }
FUZZ_KIND(platform, 0);
FUZZ_KIND(device, 1);
FUZZ_KIND(context, 2);
FUZZ_KIND(queue, 3);
FUZZ_KIND(event, 4);
FUZZ_KIND(buffer, 5);
FUZZ_KIND(host_memory, 6);
FUZZ_KIND(program, 7);
FUZZ_KIND(kernel, 8);
FUZZ_KIND(proque, 9);
FUZZ_KIND(profile, 10);
#undef FUZZ_KIND

class World {
 public:
  World(Input &input, const gpuc_faults &faults, const std::string &folder);
  ~World();  // releases everything; nothing may be left
  World(const World &) = delete;
  World &operator=(const World &) = delete;

  Input &input;
  bool possible = true;  // false: the call would need more host memory than there is to give

  // ---- handles: each entry of a list is one reference
  void *pick(std::size_t kind);
  template <class Handle>
  Handle *handle() {
    return static_cast<Handle *>(pick(Kind<Handle>::index));
  }
  template <class Handle>
  std::vector<Handle *> handles() {
    std::vector<Handle *> all(input.byte() % 4);
    for (Handle *&one : all) one = handle<Handle>();
    return all;
  }
  // To be released: a reference out of the lists, or a handle that is none.
  template <class Handle>
  Handle *take() {
    return static_cast<Handle *>(take(Kind<Handle>::index));
  }
  template <class Handle>
  void retained(Handle *handle) {
    living_[Kind<Handle>::index].push_back(handle);
  }
  template <class Handle>
  void given(Handle *handle, gpuc_status status, const Expected &call) {
    if (status != GPUC_OK && handle) wrong(std::string(call.function) + " failed and left its out handle");
    if (status != GPUC_OK) return;
    if (!handle) wrong(std::string(call.function) + " succeeded and gave NULL");
    retained(handle);
  }
  template <class Handle>
  void given_list(Handle *(&items)[8], gpuc_status status) {
    for (Handle *one : items) {
      if (one && status != GPUC_OK) wrong("a list that failed left a handle");
      if (one) retained(one);
    }
  }

  // User events, which would keep commands from ever running: completed before anything waits.
  void keep_user_event(gpuc_event *event);
  void complete_user_events();

  // ---- results
  gpuc_status checked(gpuc_status status, const Expected &call);
  void use(const char *text);
  template <class Number>
  void use(Number) {}  // may be any

  // ---- numbers
  std::size_t size();
  std::size_t few() { return input.byte() % 9; }
  std::size_t capacity();
  std::size_t struct_size(std::size_t right);
  std::uint32_t flags();
  std::uint64_t wide() { return size(); }
  std::int32_t number();
  std::int32_t choice();
  double real();
  std::int64_t length();

  template <class T>
  T *optional(T *out) {
    return input.byte() == 0xff ? nullptr : out;
  }

  // ---- memory of exactly the size, that lives until the end
  void *block(std::size_t size);
  void *host(std::size_t size);
  void *host_of_rect(const gpuc_rect *rect, bool is_write);
  void *host_of_view(const gpuc_array_view *view);
  void *host_of_buffer(gpuc_buffer *buffer);
  void keep_mapped(void *pointer, std::size_t readable);
  void *mapped();

  // ---- texts
  const char *text_filter();
  const char *text_source();
  const char *text_options();
  const char *text_name();
  const char *text_path();
  std::size_t text_size(const char *text);

  // ---- structures
  gpuc_rect *structure_gpuc_rect();
  gpuc_launch *structure_gpuc_launch();
  gpuc_program_desc *structure_gpuc_program_desc();
  gpuc_proque_options *structure_gpuc_proque_options();
  gpuc_gemm_desc *structure_gpuc_gemm_desc();
  gpuc_array_view *structure_gpuc_array_view();
  gpuc_matmul_options *structure_gpuc_matmul_options();
  gpuc_profile_options *structure_gpuc_profile_options();
  gpuc_tune_options *structure_gpuc_tune_options();
  std::vector<gpuc_arg> args();

  void arm_fault();

 private:
  void *take(std::size_t kind);
  bool is_living(void *handle) const;
  void start();
  const char *keep(const std::string &text);
  template <class T>
  T *structure(gpuc_status (*init)(T *, std::size_t), void (World::*fill)(T &));
  void fill(gpuc_rect &rect);
  void fill(gpuc_launch &launch);
  void fill(gpuc_program_desc &desc);
  void fill(gpuc_proque_options &options);
  void fill(gpuc_gemm_desc &desc);
  void fill(gpuc_array_view &view);
  void fill(gpuc_matmul_options &options);
  void fill(gpuc_profile_options &options);
  void fill(gpuc_tune_options &options);
  const gpuc_define *defines(std::size_t count);

  const gpuc_faults &faults_;
  std::string folder_;
  std::vector<void *> living_[kind_count], released_[kind_count];
  std::vector<gpuc_event *> user_events_;
  std::vector<std::unique_ptr<unsigned char[]>> memory_;
  std::vector<std::unique_ptr<std::string>> texts_;
  std::vector<void *> mapped_;
};

}  // namespace fuzz
