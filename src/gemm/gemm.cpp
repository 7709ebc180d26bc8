// The planner: which backend serves a product, and what happens when one fails.
#include <gpucompute/gemm.hpp>

#include <algorithm>

#include "gemm/gemm_backend.hpp"
#include "gemm/gemm_state.hpp"
#include "runtime/enqueue.hpp"
#include "support/fail.hpp"
#include "support/log.hpp"

namespace gpucompute {
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

std::string refusal_of(const GemmBackend &backend, const GemmTask &task, Queue &queue) {
  if (std::string reason = type_refusal(task, queue); !reason.empty()) return reason;
  const std::string failed = GemmState::of(queue.context()).dropped(backend.name(), task.type, queue.device());
  if (!failed.empty()) return "it failed before: " + failed;
  return backend.refusal(task, queue);
}

[[noreturn]] void fail_refused(const GemmBackend &backend, const std::string &reason, Queue &queue) {
  fail(Status::unsupported, "backend '", backend.name(), "' cannot serve this problem on '", queue.device().info().name,
       "': ", reason);
}

// A failure that lies in the backend and its driver, not in the problem, the process or the device.
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

// What does not build will not build the next time; the rest may lie in the problem's size, or in memory others use.
bool is_lasting(const Error &error) {
  return error.status() == Status::build_failed || error.status() == Status::invalid_binary ||
         error.status() == Status::unsupported;
}

void run_first_that_can(GemmTask &task, Queue &queue, Waits waits, OutEvent out) {
  std::string refusals;
  const auto &backends = gemm_backends();
  for (const GemmBackend *backend : backends) {
    const std::string reason = refusal_of(*backend, task, queue);
    if (!reason.empty()) {
      refusals += text(refusals.empty() ? "" : "; ", backend->name(), ": ", reason);
      continue;
    }
    try {
      return backend->run(task, queue, waits, out);
    } catch (const Error &error) {
      if (task.c_written || !another_may_succeed(error) || backend == backends.back()) throw;
      log(LogLevel::warning, "gemm: backend '", backend->name(), "' failed on '", queue.device().info().name,
          "', the next one serves: ", error.message());
      if (is_lasting(error))
        GemmState::of(queue.context()).drop(backend->name(), task.type, queue.device(), error.message());
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
    return scale_c(task, queue, waits, out);
  }
  if (!forced) return run_first_that_can(task, queue, waits, out);
  const std::string reason = refusal_of(*forced, task, queue);
  if (!reason.empty()) fail_refused(*forced, reason, queue);
  forced->run(task, queue, waits, out);
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
  for (const GemmBackend *backend : gemm_backends()) {
    const std::string reason = refusal_of(*backend, task, queue);
    if (!reason.empty()) {
      if (backend == forced) fail_refused(*backend, reason, queue);
      others += text(backend->name(), ": refused: ", reason, "\n");
    } else if (forced ? backend == forced : chosen.empty()) {
      chosen = text(backend->name(), ": chosen: ", forced ? "asked for by name" : backend->merit(), note, "\n");
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
