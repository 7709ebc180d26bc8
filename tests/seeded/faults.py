"""The faults that run.py plants: one replacement each, as somebody could make it by mistake."""
from dataclasses import dataclass

CORE = "core.support core.runtime core.program"
CAPI = "capi capi.fake.two capi.threads"
SWEEP = "capi.faults.fake"


@dataclass
class Fault:
    kind: str
    what: str
    file: str
    old: str  # stands there exactly once
    new: str
    suites: str  # of ctest, the likeliest first; all of them are run before a fault counts as missed
    preset: str = "dev"


FAULTS = [
    Fault("off by one in a bound", "a range may reach one byte past its buffer", "src/support/checked_math.hpp",
          "size > whole - offset)", "size > whole - offset + 1)", f"{CORE} {CAPI}"),
    Fault("off by one in a bound", "boxes side by side count as overlapping", "src/runtime/buffer_rect.cpp",
          "if (x < region[0] && y", "if (x <= region[0] && y", f"{CORE} {CAPI}"),
    Fault("off by one in a bound", "the last line of a matrix is not counted", "src/gemm/gemm_task.cpp",
          "Wide(operand.lines - 1) * operand.ld + operand.length;\n  if (end",
          "Wide(operand.lines - 1) * operand.ld;\n  if (end", f"{CAPI} core.gemm_cpu core.gemm"),
    Fault("off by one in a bound", "an integer one past its type's range is narrowed", "src/program/scalar_convert.cpp",
          "whole.u <= static_cast<std::uint64_t>(Limits::max())", "whole.u <= static_cast<std::uint64_t>(Limits::max()) + 1",
          f"{CORE} {CAPI}"),
    Fault("missing release", "a sub-buffer is never released", "src/runtime/buffer.cpp",
          "sub_buffer && process_running()) clReleaseMemObject(sub_buffer);", "sub_buffer && process_running()) return;",
          f"{CORE} capi {SWEEP}"),
    Fault("missing release", "a failed allocation stays in the pool's account", "src/runtime/memory_pool.cpp",
          "    return block;\n  } catch (...) {\n    std::lock_guard<std::mutex> lock(mutex_);\n"
          "    statistics_.in_use -= capacity;\n    throw;",
          "    return block;\n  } catch (...) {\n    throw;", f"{CORE} {CAPI} {SWEEP}"),
    Fault("missing release", "a released user event is never completed", "src/runtime/event.cpp",
          "if (user_ && !completed_by_user_.exchange(true)) {", "if (false) {", f"{CORE} {CAPI} {SWEEP}"),
    Fault("double release", "a reference too many can be dropped", "capi/handles.cpp",
          "while (references(state) > 0 &&", "while (pins(state) > 0 &&", f"{CAPI}"),
    Fault("stale handle", "a slot keeps its generation", "capi/handles.cpp",
          "((old_generation + 1) & generation_mask)", "(old_generation & generation_mask)", f"{CAPI}"),
    Fault("dropped lock", "handles are freed without the lock of the table", "capi/handles.cpp",
          "void put_back(Slot *slot) noexcept {\n  std::lock_guard<std::mutex> lock(table_mutex);",
          "void put_back(Slot *slot) noexcept {", "capi.threads", "tsan"),
    Fault("dropped lock", "idle kernels are given back without the lock", "src/program/kernel_record.cpp",
          "  std::lock_guard<std::mutex> lock(mutex_);\n  try {\n    idle_.push_back", "  try {\n    idle_.push_back",
          "core.threads capi.threads", "tsan"),
    Fault("unchecked return", "a chunk of a large copy that fails is not noticed", "src/runtime/transfer_ring.cpp",
          "if (code == CL_SUCCESS) code = settled;", "(void)settled;", f"{CORE} {CAPI} {SWEEP}"),
    Fault("unchecked return", "a launch that the driver refuses counts as done", "src/runtime/enqueue.hpp",
          "put_with_room(queue, nullptr, bound);\n    if (code != CL_SUCCESS) fail",
          "put_with_room(queue, nullptr, bound);\n    if (code == CL_INVALID_VALUE) fail",
          f"{CORE} {CAPI} {SWEEP}"),
    Fault("wrong event dependency", "waits are not handed to the driver", "src/runtime/enqueue.hpp",
          "  const auto bound = [&](cl_event *event) { return put(waits.count, waits.count ? waits.events : nullptr, event); };",
          "  const auto bound = [&](cl_event *event) { return put(0, nullptr, event); };", f"{CORE} {CAPI}"),
    Fault("wrong event dependency", "a large copy does not wait for its events", "src/runtime/transfer_ring.cpp",
          "if (status > CL_COMPLETE) continue;", "if (status > CL_QUEUED) continue;", f"{CORE} {CAPI}"),
    Fault("use too early", "memory goes back to the pool while commands use it", "src/runtime/memory_pool.cpp",
          "for (Use &use : uses_) use.sequence = use.timeline->last();", "for (Use &use : uses_) use.sequence = 0;",
          f"{CORE} {CAPI}"),
    Fault("use too early", "a launch does not note that it uses its buffers", "src/program/kernel.cpp",
          "arguments[i].buffer->used_by(queue);", "(void)arguments[i].buffer;", f"{CORE} {CAPI}"),
    Fault("stale cache", "an argument that differs past its fourth byte is not set again", "src/program/arguments.cpp",
          "std::memcmp(known.bytes, value, size) == 0", "std::memcmp(known.bytes, value, size < 4 ? size : 4) == 0",
          f"{CORE} {CAPI}"),
    Fault("unchecked data", "a cache entry is used whatever its checksum", "src/support/disk_cache.cpp",
          "|| !cache_entry_payload(key, bytes.data(), size)) {", ") {", "core.disk_cache"),
    Fault("unchecked rights", "a cache entry that others can write is used", "src/support/disk_cache.cpp",
          "!S_ISREG(info.st_mode) || !is_private(info) ||", "!S_ISREG(info.st_mode) ||", "core.disk_cache"),
    Fault("wrong order", "a column-major product adds a bias along the other side", "src/gemm/gemm_task.cpp",
          "e.bias == Bias::per_row ? Bias::per_column : Bias::per_row;", "e.bias;", "core.gemm capi"),
    Fault("wrong sign", "a view with a negative stride is copied from the wrong end", "src/array/copy_plan.cpp",
          "    src_offset = moved(src_offset, axis.size - 1, axis.src);\n    axis.dst = -axis.dst;",
          "    axis.dst = -axis.dst;", "core.array"),
    Fault("edge of a tile", "rows past the edge of A are read", "kernels/gemm/simt.cl",
          "next_a[i] = kk < k && r < m ?", "next_a[i] = kk <= k && r < m ?", "core.gemm_simt core.gemm"),
    Fault("lost message", "the message of a failure is cut off", "capi/last_error.cpp",
          "  record.message = new_message;\n", "  std::free(new_message);\n", CAPI),
]
