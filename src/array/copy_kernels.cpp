// Which kernel of kernels/array/copy.cl walks a copy, and with what sizes.
#include "array/copy_kernels.hpp"

#include <algorithm>
#include <cstring>

#include "array/copy_plan.hpp"
#include "array/kernel_call.hpp"
#include "program/library_programs.hpp"
#include "support/fail.hpp"

namespace gpucompute {
namespace {

constexpr std::size_t tile = 32, tile_rows = 8;

// What is the same for all launches of a copy.
struct Job {
  Queue &queue;
  std::shared_ptr<Buffer> dst, src;  // src: null for a fill
  unsigned unit;                     // bytes that are moved unchanged; 0: elements are converted
  DataType from, to;
  unsigned char value[16];  // of a fill, `unit` bytes
  CopyStyle style;
};

// Elements along a side of a block: a line of the cache.
std::uint64_t block_size(const Job &job) {
  const std::size_t element = job.unit ? job.unit : std::min(size_of(job.from), size_of(job.to));
  return std::clamp<std::uint64_t>(64 / element, 8, 64);
}

LibraryPrograms::Defines defines_of(const Job &job, std::size_t rank, bool wide, unsigned vector, bool packed) {
  LibraryPrograms::Defines defines;
  const auto define = [&](const char *name, std::uint64_t value) { defines.emplace_back(name, std::to_string(value)); };
  if (job.unit) {
    define("UNIT", job.unit);
    define("ALIGNED", !job.style.rows);
    define("FILL", !job.src);
  } else {
    define("SRC", static_cast<std::uint64_t>(job.from));
    define("DST", static_cast<std::uint64_t>(job.to));
    define("VEC", vector);
    define("SOFT_HALF", job.style.rows);
  }
  define("BLOCK", block_size(job));
  define("RANK", rank);
  define("WIDE", wide);
  define("PACKED", packed);
  return defines;
}

// axes_t of the kernels.
std::vector<unsigned char> pack_axes(const CopyWalk &walk, std::uint64_t count) {
  const std::size_t rank = walk.axes.size(), numbers = (3 * rank + 2) / 2 * 2;
  std::vector<unsigned char> out(numbers * 4 + rank * 16, 0);
  const auto put32 = [&](std::size_t at, std::uint64_t value) {
    const auto narrow = static_cast<std::uint32_t>(value);
    std::memcpy(out.data() + at * 4, &narrow, 4);
  };
  for (std::size_t a = 0; a < rank; ++a) {
    const CopyAxis &axis = walk.axes[a];
    put32(a, axis.size);
    if (axis.size > 1) {
      const FastDivisor divisor = fast_divisor(static_cast<std::uint32_t>(axis.size));
      put32(rank + a, divisor.multiplier);
      put32(2 * rank + a, divisor.shift);
    }
    std::memcpy(out.data() + numbers * 4 + a * 8, &axis.dst, 8);
    std::memcpy(out.data() + numbers * 4 + (rank + a) * 8, &axis.src, 8);
  }
  put32(3 * rank, count);
  return out;
}

ArrayKernelCall prepare(const Job &job, const CopyWalk &walk, std::uint64_t count, const char *kernel, unsigned vector,
                        bool packed) {
  Context &context = job.queue.context();
  ArrayKernelCall call(LibraryPrograms::of(context).kernel(
      context, "array/copy.cl", defines_of(job, walk.axes.size(), job.style.wide || walk.wide(), vector, packed),
      kernel));
  const auto axes = pack_axes(walk, count);
  call.bytes(axes.data(), axes.size()).memory(*job.dst, walk.dst_offset);
  if (job.src)
    call.memory(*job.src, walk.src_offset);
  else
    call.bytes(job.value, job.unit);
  return call;
}

void use(const Job &job) {
  job.dst->used_by(job.queue);
  if (job.src) job.src->used_by(job.queue);
}

// How many src_t or dst_t an element has.
std::int64_t parts(const Job &job, DataType type) { return !job.unit && is_complex(type) ? 2 : 1; }

const char *what(const Job &job) { return job.src ? "a copy of an array" : "a fill of an array"; }

// ---- the three kernels ---------------------------------------------------------------------------------------------

void run_elements(const Job &job, CopyWalk walk, unsigned vector, Waits waits, OutEvent out) {
  if (vector > 1) {
    walk.axes[0].size /= vector;
    walk.axes[0].dst *= vector;
    walk.axes[0].src *= vector;
  }
  walk.drop_ones(0);
  const ArrayKernelCall call = prepare(job, walk, walk.count(), "array_elements", vector, false);
  use(job);
  call.launch(job.queue, what(job), walk.count(), std::min<std::size_t>(256, call.most_items(job.queue)), waits, out);
}

// Work-items in a group: so that there are some groups for each core.
std::size_t group_size(const Job &job, const ArrayKernelCall &call, std::uint64_t items) {
  const std::uint64_t units = std::max<std::uint64_t>(job.queue.device().info().compute_units, 1);
  return std::clamp<std::size_t>(items / (4 * units), 1, std::min<std::size_t>(64, call.most_items(job.queue)));
}

void run_rows(const Job &job, CopyWalk walk, Waits waits, OutEvent out) {
  walk.drop_ones(1);
  const std::uint64_t inner = walk.axes[0].size, rows = walk.count() / inner;
  const std::uint64_t units = job.queue.device().info().compute_units;
  // Enough pieces to keep all cores busy, none so small that it costs more to begin than to do.
  const std::uint64_t share = walk.count() / (8 * std::max<std::uint64_t>(units, 1)) + 1;
  const std::uint64_t chunk = std::min(inner, std::clamp<std::uint64_t>(share, 1024, 65536));
  const std::uint64_t chunks = (inner + chunk - 1) / chunk, items = rows * chunks;
  const bool packed = walk.axes[0].dst == parts(job, job.to) && (!job.src || walk.axes[0].src == parts(job, job.from));
  ArrayKernelCall call = prepare(job, walk, items, "array_rows", 1, packed);
  call.set(static_cast<cl_uint>(chunk)).set(static_cast<cl_uint>(chunks));
  use(job);
  call.launch(job.queue, what(job), items, group_size(job, call, items), waits, out);
}

void run_transpose(const Job &job, CopyWalk walk, Waits waits, OutEvent out) {
  walk.drop_ones(2);
  const std::uint64_t side = job.style.rows ? block_size(job) : tile;
  const auto tiles = [&](const CopyAxis &axis) { return (axis.size + side - 1) / side; };
  const std::uint64_t planes = walk.count() / (walk.axes[0].size * walk.axes[1].size);
  if (job.style.rows) {
    const std::uint64_t blocks = tiles(walk.axes[0]) * tiles(walk.axes[1]) * planes;
    const ArrayKernelCall call = prepare(job, walk, blocks, "array_blocks", 1, false);
    use(job);
    return call.launch(job.queue, what(job), blocks, group_size(job, call, blocks), waits, out);
  }
  const ArrayKernelCall call = prepare(job, walk, 0, "array_transpose", 1, false);
  if (call.most_items(job.queue) < tile * tile_rows) return run_elements(job, walk, 1, waits, out);
  use(job);
  call.launch_groups(job.queue, what(job), tiles(walk.axes[0]) * tiles(walk.axes[1]) * planes, tile, tile_rows, waits,
                     out);
}

// ---- the choice ----------------------------------------------------------------------------------------------------

// Brings the axis along which the source has no gaps to the second place, if tiles are worth their while.
bool order_for_transpose(const Job &job, CopyWalk &walk) {
  const DeviceInfo &info = job.queue.device().info();
  const std::size_t value = job.unit ? job.unit : std::max(size_of(job.to), sizeof(float));
  const bool has_tiles = tile * (tile + 1) * value <= info.local_memory &&
                         info.max_work_group_size >= tile * tile_rows && info.max_work_items[0] >= tile &&
                         info.max_work_items[1] >= tile_rows;
  if (!job.src || (!job.style.rows && !has_tiles)) return false;
  constexpr std::uint64_t least = tile / 2;
  const std::int64_t dense = parts(job, job.from);
  const CopyAxis &first = walk.axes[0];
  if (first.dst != parts(job, job.to) || first.size < least || first.src == dense || first.src == 0) return false;
  for (std::size_t a = 1; a < walk.axes.size(); ++a) {
    if (walk.axes[a].src != dense || walk.axes[a].size < least) continue;
    std::rotate(walk.axes.begin() + 1, walk.axes.begin() + static_cast<std::ptrdiff_t>(a),
                walk.axes.begin() + static_cast<std::ptrdiff_t>(a) + 1);
    return true;
  }
  return false;
}

// How many elements a work-item of a GPU converts: 16 bytes on one side where memory is without gaps and aligned.
unsigned vector_for(const Job &job, const CopyWalk &walk) {
  if (job.unit || job.style.rows || is_complex(job.from) || is_complex(job.to)) return 1;
  if (walk.axes[0].dst != 1 || walk.axes[0].src != 1) return 1;
  const auto vector =
      static_cast<unsigned>(std::min<std::size_t>(8, 16 / std::max(size_of(job.from), size_of(job.to))));
  if (walk.dst_offset % vector || walk.src_offset % vector) return 1;
  for (std::size_t a = 1; a < walk.axes.size(); ++a)
    if (walk.axes[a].dst % vector || walk.axes[a].src % vector || walk.axes[0].size % vector) return 1;
  return walk.axes[0].size >= vector ? vector : 1;
}

void add_walk(CommandList &list, const Job &job, const CopyWalk &whole) {
  whole.split(job.style.most, [&](const CopyWalk &part) {
    CopyWalk walk = part;
    if (order_for_transpose(job, walk)) {
      list.add([job, walk](Waits waits, OutEvent out) { run_transpose(job, walk, waits, out); });
    } else if (job.style.rows) {
      list.add([job, walk](Waits waits, OutEvent out) { run_rows(job, walk, waits, out); });
    } else {
      const unsigned vector = vector_for(job, walk);
      const std::uint64_t rest = walk.axes[0].size % vector;
      if (rest) {  // of a single axis: the end has no full vector
        CopyWalk end = walk;
        end.axes[0].size = rest;
        walk.axes[0].size -= rest;
        end.dst_offset += walk.axes[0].size;
        end.src_offset += walk.axes[0].size;
        list.add([job, end](Waits waits, OutEvent out) { run_elements(job, end, 1, waits, out); });
      }
      list.add([job, walk, vector](Waits waits, OutEvent out) { run_elements(job, walk, vector, waits, out); });
    }
  });
}

// From the slowest dimension of a view to the last axis.
CopyWalk walk_of(const CheckedView &destination, const CheckedView *source) {
  CopyWalk walk;
  for (unsigned left = destination.ndim; left > 0; --left) {
    const unsigned d = left - 1;
    walk.axes.push_back({destination.shape[d], destination.strides[d], source ? source->strides[d] : 0});
  }
  walk.dst_offset = destination.root_offset;
  walk.src_offset = source ? source->root_offset : 0;
  return walk;
}

void need_double(const Queue &queue, DataType from, DataType to) {
  if (!is_double(from) && !is_double(to)) return;
  if (queue.device().capabilities().fp64) return;
  fail(Status::unsupported, "'", queue.device().info().name, "' has no double arithmetic, which converting ",
       name_of(from), " to ", name_of(to), " needs; copies that keep the type work");
}

}  // namespace

CopyStyle CopyStyle::of(const Queue &queue) {
  CopyStyle style;
  style.rows = queue.device().info().type == DeviceType::cpu;
  return style;
}

void add_copy(CommandList &list, Queue &queue, const CheckedView &destination, const CheckedView &source,
              const CopyStyle &style) {
  Job job{queue, share(*destination.buffer), share(*source.buffer), 0, source.type, destination.type, {}, style};
  CopyWalk walk = walk_of(destination, &source);
  if (job.from == job.to) {
    // Bytes, of which as many are moved at once as all strides allow.
    const std::uint64_t element = destination.element();
    walk.axes.insert(walk.axes.begin(), {element, 1, 1});
    walk.simplify();
    if (walk.axes.size() == 1 && walk.axes[0].dst == 1 && walk.axes[0].src == 1) {
      const std::uint64_t to = walk.dst_offset - job.dst->offset(), from = walk.src_offset - job.src->offset();
      const std::uint64_t size = walk.axes[0].size;
      list.add([job, to, from, size](Waits waits, OutEvent out) {
        job.src->copy_to(*job.dst, job.queue, from, to, size, waits, out);
      });
      return;
    }
    if (walk.axes[0].dst != 1 || walk.axes[0].src != 1) {  // single bytes with gaps between them
      walk.axes.insert(walk.axes.begin(), {1, 1, 1});
    }
    job.unit = static_cast<unsigned>(walk.common_unit(16, true));
    walk.axes[0] = {walk.axes[0].size / job.unit, job.unit, job.unit};
    walk.scale(job.unit, job.unit);
    walk.drop_ones(0);
  } else {
    need_double(queue, job.from, job.to);
    walk.simplify();
    walk.scale(static_cast<std::int64_t>(part_size(job.to)), static_cast<std::int64_t>(part_size(job.from)));
  }
  add_walk(list, job, walk);
}

void add_fill(CommandList &list, Queue &queue, const CheckedView &view, const unsigned char *element,
              const CopyStyle &style) {
  Job job{queue, share(*view.buffer), nullptr, 0, view.type, view.type, {}, style};
  const std::size_t size = view.element();
  CopyWalk walk = walk_of(view, nullptr);
  walk.axes.insert(walk.axes.begin(), {size, 1, 0});
  // The axes of a fill repeat one source; to be merged they need no more than neighbouring destinations.
  for (CopyAxis &axis : walk.axes) axis.src = 0;
  walk.simplify();
  if (walk.axes[0].dst != 1) walk.axes.insert(walk.axes.begin(), {1, 1, 0});
  const std::uint64_t unit = walk.common_unit(16, false);
  if (unit < size) {
    // A complex number that is aligned to its parts only: the parts, one after the other.
    CheckedView part = view;
    part.type = view.type == DataType::c64 ? DataType::f32 : DataType::f64;
    for (std::size_t at : {std::size_t(0), size / 2}) {
      part.root_offset = view.root_offset + at;
      add_fill(list, queue, part, element + at, style);
    }
    return;
  }
  job.unit = static_cast<unsigned>(unit);
  for (std::size_t at = 0; at < unit; at += size) std::memcpy(job.value + at, element, size);
  if (walk.axes.size() == 1) {
    const std::uint64_t offset = walk.dst_offset - job.dst->offset(), bytes = walk.axes[0].size;
    list.add([job, offset, bytes](Waits waits, OutEvent out) {
      job.dst->fill(job.queue, job.value, job.unit, offset, bytes, waits, out);
    });
    return;
  }
  walk.axes[0] = {walk.axes[0].size / unit, static_cast<std::int64_t>(unit), 0};
  walk.scale(job.unit, 1);
  walk.drop_ones(0);
  add_walk(list, job, walk);
}

}  // namespace gpucompute
