// Puts one strided copy or fill, whose views are checked and apart, on a queue.
#pragma once

#include "array/array_view.hpp"
#include "array/command_list.hpp"

namespace gpucompute {

// More elements than this are walked by several launches; less than 2^31.
constexpr std::uint64_t most_elements = std::uint64_t(1) << 30;

// What a device calls for; the tests try all on each.
struct CopyStyle {
  bool rows = false;  // work-items walk along rows, as suits CPUs; memory of the host's may be unaligned there
  bool wide = false;  // offsets of more than 31 bits, also where they are not needed
  std::uint64_t most = most_elements;

  static CopyStyle of(const Queue &queue);
};

// Adds the commands of destination = source, both of one shape and not empty.
void add_copy(CommandList &list, Queue &queue, const CheckedView &destination, const CheckedView &source,
              const CopyStyle &style);
inline void add_copy(CommandList &list, Queue &queue, const CheckedView &destination, const CheckedView &source) {
  add_copy(list, queue, destination, source, CopyStyle::of(queue));
}

// Adds the commands that set each element of a view that is not empty to these bytes.
void add_fill(CommandList &list, Queue &queue, const CheckedView &view, const unsigned char *element,
              const CopyStyle &style);

}  // namespace gpucompute
