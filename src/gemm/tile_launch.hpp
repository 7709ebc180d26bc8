// What backends have in common whose kernel takes (m, n, k, batch_count, alpha, beta, A, B, C) and walks tiles of C.
#pragma once

#include <functional>

#include "gemm/gemm_task.hpp"
#include "program/library_programs.hpp"

namespace gpucompute {

struct TileKernel {
  const char *file, *name;
  LibraryPrograms::Defines defines;
  bool narrow = false;  // sizes are int, otherwise long
};

// "0" or "1": whether lines of A (B) in memory each are one k.
inline const char *a_lines_are_k(const GemmTask &task) { return task.a.transpose == Transpose::none ? "0" : "1"; }
inline const char *b_lines_are_k(const GemmTask &task) { return task.b.transpose == Transpose::none ? "1" : "0"; }

// Launches `groups` groups of `local` items. `variant` is all that the kernel depends on beyond the task and the
// device; `make` is asked for the kernel where the launch is not ready from an earlier call.
void launch_tiles(GemmTask &task, Queue &queue, std::uint64_t variant, std::size_t groups, std::size_t local,
                  Waits waits, OutEvent out, const std::function<TileKernel()> &make);

}  // namespace gpucompute
