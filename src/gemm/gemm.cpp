// The planner: which backend serves a product, and what happens when one fails.
#include <gpucompute/gemm.hpp>

#include <algorithm>

#include "gemm/epilogue.hpp"
#include "gemm/gemm_backend.hpp"
#include "gemm/gemm_state.hpp"
#include "gemm/k_parts.hpp"
#include "gemm/steps.hpp"
#include "gemm/tunings.hpp"
#include "profile/recorder.hpp"
#include "runtime/enqueue.hpp"
#include "support/fail.hpp"
#include "support/log.hpp"

namespace gpucompute {

bool another_may_succeed(const Error &error) {
  switch (error.status()) {
    case Status::build_failed:
    case Status::invalid_binary:
    case Status::driver:
    case Status::unsupported:
    case Status::internal:
    case Status::out_of_device_memory:
    case Status::allocation_too_large:
      return true;
    default:
      return false;
  }
}

namespace {

// Null where none is asked for.
const GemmBackend *find_backend(const std::string &name) {
  if (name.empty()) return nullptr;
  std::string known;
  for (const GemmBackend *backend : gemm_backends()) {
    if (name == backend->name()) return backend;
    known += (known.empty() ? "" : ", ") + std::string(backend->name());
  }
  fail(Status::not_found, "backend is '", name, "', which this library does not have; it has: ", known);
}

// What the backend is given of the task: all of it, or what is left when the planner does the rest.
GemmTask share_of(const GemmBackend &backend, const GemmTask &task) {
  GemmTask share = !task.epilogue.nothing() && !backend.does_epilogue(task) ? product_alone(task) : task;
  if (!backend.takes_groups()) share.group_rows.clear();
  return share;
}

std::string failure_key(const GemmBackend &backend, const GemmTask &task) {
  return text(backend.name(), " ", name_of(task.a.type), " ", name_of(task.b.type), " ", static_cast<int>(task.mode));
}

std::string refusal_of(const GemmBackend &backend, const GemmTask &task, Queue &queue) {
  if (std::string reason = type_refusal(task, queue); !reason.empty()) return reason;
  GemmState &state = GemmState::of(queue.context());
  if (state.dropped_any()) {
    const std::string failed = state.dropped(failure_key(backend, task), queue.device());
    if (!failed.empty()) return "it failed before: " + failed;
  }
  if (task.plain()) return backend.refusal(task, queue);
  return backend.refusal(share_of(backend, task), queue);
}

// The product into a workspace, then a pass that does the rest.
void run_with_epilogue(const GemmBackend &backend, GemmTask &task, Queue &queue, Waits waits, OutEvent out) {
  GemmTask product = product_alone(task);
  const Workspace workspace(queue, product.c.end * size_of(product.c.type));
  product.c.buffer = workspace.get();
  Steps steps(queue, waits, out, 2);
  steps.next([&](Waits w, OutEvent o) { backend.run(product, queue, w, o); });
  task.c_written = true;
  steps.next([&](Waits w, OutEvent o) { enqueue_epilogue(task, {workspace.get(), 1}, queue, w, o); });
}

// How a GPU's backend that does not cut k itself should have it.
KParts parts_for(const GemmBackend &backend, const GemmTask &task, Queue &queue) {
  const DeviceInfo &info = queue.device().info();
  if (info.type != DeviceType::gpu || backend.cuts_k()) return {};
  const KParts parts = k_parts_for(task, info.compute_units);
  if (parts.count == 1 || !backend.refusal(parts_of(task, parts), queue).empty()) return {};
  return parts;
}

void run_one(const GemmBackend &backend, GemmTask &task, Queue &queue, Waits waits, OutEvent out) {
  const KParts parts = parts_for(backend, task, queue);
  if (parts.count > 1) return run_in_parts(backend, task, parts, queue, waits, out);
  if (task.epilogue.nothing() || backend.does_epilogue(task)) return backend.run(task, queue, waits, out);
  run_with_epilogue(backend, task, queue, waits, out);
}

// Group `g`, whose rows (columns) start at `start`, as a product of its own.
GemmTask group_of(const GemmTask &task, std::size_t g, std::uint64_t start) {
  GemmTask group = task;
  const std::uint64_t size = task.group_rows[g];
  group.group_rows.clear();
  GemmOperand &ragged = task.groups_are_columns ? group.b : group.a;
  GemmOperand &own = task.groups_are_columns ? group.a : group.b;
  own.offset += g * own.stride;
  // Its lines are what the groups share out, or lie along what they share out.
  const bool by_lines = (ragged.transpose == Transpose::none) != task.groups_are_columns;
  ragged.offset += by_lines ? start * ragged.ld : start;
  (by_lines ? ragged.lines : ragged.length) = size;
  GemmEpilogue &e = group.epilogue;
  for (GemmOperand *result : {&group.c, &e.residual}) {
    if (!result->length) continue;
    result->offset += task.groups_are_columns ? start : start * result->ld;
    (task.groups_are_columns ? result->length : result->lines) = size;
  }
  (task.groups_are_columns ? group.n : group.m) = size;
  if (e.bias == (task.groups_are_columns ? Bias::per_column : Bias::per_row)) e.bias_values.offset += start;
  return group;
}

void run(const GemmBackend &backend, GemmTask &task, Queue &queue, Waits waits, OutEvent out) {
  if (task.group_rows.empty() || backend.takes_groups()) return run_one(backend, task, queue, waits, out);
  const auto count = static_cast<std::size_t>(
      std::count_if(task.group_rows.begin(), task.group_rows.end(), [](std::uint64_t rows) { return rows != 0; }));
  Steps steps(queue, waits, out, count);
  std::uint64_t start = 0;
  for (std::size_t g = 0; g < task.group_rows.size(); start += task.group_rows[g++]) {
    if (task.group_rows[g] == 0) continue;
    GemmTask group = group_of(task, g, start);
    group.c_written = task.c_written;
    try {
      steps.next([&](Waits w, OutEvent o) { run_one(backend, group, queue, w, o); });
    } catch (...) {
      task.c_written = group.c_written;
      throw;
    }
    task.c_written = group.c_written;
  }
}

[[noreturn]] void fail_refused(const GemmBackend &backend, const std::string &reason, Queue &queue) {
  fail(Status::unsupported, "backend '", backend.name(), "' cannot serve this problem on '", queue.device().info().name,
       "': ", reason);
}

// What does not build will not build the next time; the rest may lie in the problem's size, or in memory others use.
bool is_lasting(const Error &error) {
  return error.status() == Status::build_failed || error.status() == Status::invalid_binary ||
         error.status() == Status::unsupported;
}

// "gemm f32 64x32x16 nt clblast": m, n, k of the row-major product that is computed, and what is done to A and B.
std::string profile_name(const GemmTask &task, const GemmBackend &backend) {
  static const char letters[] = {'n', 't', 'c'};
  const std::string types = task.uniform()
                                ? name_of(task.type)
                                : text(name_of(task.a.type), "*", name_of(task.b.type), "->", name_of(task.type));
  std::string name = text("gemm ", types, " ", task.m, "x", task.n, "x", task.k, " ",
                          letters[static_cast<int>(task.a.transpose)], letters[static_cast<int>(task.b.transpose)]);
  if (task.batch_count > 1) name += text(" batch ", task.batch_count);
  if (!task.group_rows.empty()) name += text(" groups ", task.group_rows.size());
  return name + " " + backend.name();
}

void run_recorded(const GemmBackend &backend, GemmTask &task, Queue &queue, Waits waits, OutEvent out) {
  const ProfileScope scope(Operation::gemm, [&] { return profile_name(task, backend); });
  run(backend, task, queue, waits, out);
}

// The order of preference for a task: what was measured on the device, then what usually holds. `measured` gets what
// came first for that reason, or null.
std::vector<const GemmBackend *> ordered_for(const GemmTask &task, Queue &queue,
                                             const GemmBackend **measured = nullptr) {
  std::vector<const GemmBackend *> order = gemm_backends();
  std::stable_partition(order.begin(), order.end(),
                        [&](const GemmBackend *backend) { return !backend->steps_back(task, queue.device()); });
  const GemmBackend *best = Tunings::of(queue.context()).preferred(task, queue.device());
  if (best) std::stable_partition(order.begin(), order.end(), [&](const GemmBackend *other) { return other == best; });
  if (measured) *measured = best;
  return order;
}

void run_first_that_can(GemmTask &task, Queue &queue, Waits waits, OutEvent out) {
  std::string refusals;
  const auto backends = ordered_for(task, queue);
  for (const GemmBackend *backend : backends) {
    const std::string reason = refusal_of(*backend, task, queue);
    if (!reason.empty()) {
      refusals += text(refusals.empty() ? "" : "; ", backend->name(), ": ", reason);
      continue;
    }
    try {
      return run_recorded(*backend, task, queue, waits, out);
    } catch (const Error &error) {
      if (task.c_written || !another_may_succeed(error) || backend == backends.back()) throw;
      log(LogLevel::warning, "gemm: backend '", backend->name(), "' failed on '", queue.device().info().name,
          "', the next one serves: ", error.message());
      if (is_lasting(error))
        GemmState::of(queue.context()).drop(failure_key(*backend, task), queue.device(), error.message());
      refusals += text(refusals.empty() ? "" : "; ", backend->name(), ": ", error.message());
    }
  }
  fail(Status::unsupported, "no backend can serve this problem on '", queue.device().info().name, "': ", refusals);
}

}  // namespace

void gemm(Queue &queue, const GemmProblem &problem, Buffer *a, Buffer *b, Buffer &c, Waits waits, OutEvent out) {
  GemmTask task = make_gemm_task(problem);
  const GemmBackend *forced = find_backend(problem.backend);
  bind_gemm_buffers(task, problem, queue, a, b, c);
  if (task.nothing_to_do()) return enqueue_nothing(queue, waits, out);
  if (task.only_scales()) {
    if (const std::string reason = type_refusal(task, queue); !reason.empty())
      fail(Status::unsupported, "'", queue.device().info().name, "' cannot serve this problem: ", reason);
    if (task.epilogue.nothing()) return scale_c(task, queue, waits, out);
    return enqueue_epilogue(task, {nullptr, 0}, queue, waits, out);
  }
  if (!forced) return run_first_that_can(task, queue, waits, out);
  const std::string reason = refusal_of(*forced, task, queue);
  if (!reason.empty()) fail_refused(*forced, reason, queue);
  run_recorded(*forced, task, queue, waits, out);
}

std::string explain_gemm(Queue &queue, const GemmProblem &problem) {
  const GemmTask task = make_gemm_task(problem);
  const GemmBackend *forced = find_backend(problem.backend);
  const char *note = "";
  if (task.nothing_to_do())
    note = "; but m, n or batch_count is 0: nothing is computed";
  else if (task.only_scales())
    note = "; but alpha or k is 0: C is only scaled, which needs no backend";
  std::string chosen, others;
  const GemmBackend *measured = nullptr;
  for (const GemmBackend *backend : ordered_for(task, queue, &measured)) {
    const std::string reason = refusal_of(*backend, task, queue);
    if (!reason.empty()) {
      if (backend == forced) fail_refused(*backend, reason, queue);
      others += text(backend->name(), ": refused: ", reason, "\n");
    } else if (forced ? backend == forced : chosen.empty()) {
      const char *why = forced ? "asked for by name" : backend->merit();
      chosen = text(backend->name(), ": chosen: ", why,
                    !forced && backend == measured ? "; measured to be the fastest here" : "", note, "\n");
    } else {
      others += text(backend->name(), ": not needed: ", backend->merit(), "\n");
    }
  }
  if (chosen.empty()) {
    std::replace(others.begin(), others.end(), '\n', ' ');
    others.pop_back();
    fail(Status::unsupported, "no backend can serve this problem on '", queue.device().info().name, "': ", others);
  }
  return chosen + others;
}

}  // namespace gpucompute
