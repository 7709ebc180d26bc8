#include "profile/recorder.hpp"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <new>
#include <thread>

#include "profile/recorder_exit.hpp"
#include "support/process.hpp"

namespace gpucompute {

std::atomic<bool> profiling_is_on{false};

class QueueTrack {
 public:
  struct Pending {
    ProfileRecord record;
    cl_event event = nullptr, before = nullptr;
    bool blocking = false;
    std::shared_ptr<const ProfileSinks> sinks;
  };

  std::shared_ptr<const ProfiledQueue> facts;
  cl_command_queue native = nullptr;  // the queue's; used by its own commands only
  std::shared_ptr<DeviceClock> clock;
  std::atomic<bool> closed{false};
  std::mutex mutex;
  std::deque<Pending> pending;
};

namespace {

constexpr std::size_t most_pending = 16384;
constexpr std::size_t most_looked_at = 64;            // of an out-of-order queue
constexpr std::uint64_t sweep_interval = 10'000'000;  // ns

using Snapshot = std::shared_ptr<const ProfileSinks>;
using Tracks = std::vector<std::shared_ptr<QueueTrack>>;

// Leaked on purpose: threads that outlive main() may still be in here.
struct Recorder {
  std::mutex mutex;  // guards all below; nothing is called while it is held
  Snapshot sinks;    // null until there is one
  Tracks tracks;
  std::map<cl_device_id, std::shared_ptr<DeviceClock>> clocks;
  unsigned queues = 0;
  std::atomic<std::uint64_t> commands{0}, last_sweep{0};
  std::atomic<bool> draining{false};  // exit() waits for us: the driver may still be called
};

// In memory of its own, so that even the first use cannot fail.
Recorder &recorder() noexcept {
  alignas(Recorder) static unsigned char memory[sizeof(Recorder)];
  static auto *const instance = new (memory) Recorder;
  return *instance;
}

Snapshot current_sinks() {
  std::lock_guard<std::mutex> lock(recorder().mutex);
  return recorder().sinks;
}

// The lock is held.
std::shared_ptr<ProfileSinks> sinks_that_stay() {
  auto next = std::make_shared<ProfileSinks>();
  if (!recorder().sinks) return next;
  for (const auto &one : *recorder().sinks)
    if (!one->gone.load()) next->push_back(one);
  return next;
}

bool may_call_driver() noexcept { return process_running() || recorder().draining.load(); }

// Plain data: usable until the very end of the thread.
struct ThreadIdentity {
  std::int32_t number;
  char name[16];
};
thread_local ThreadIdentity identity{};
thread_local ProfileScope *current_scope = nullptr;

void sign(ProfileRecord &record) noexcept {
  if (!identity.number) {
    identity.number = static_cast<std::int32_t>(syscall(SYS_gettid));
    pthread_getname_np(pthread_self(), identity.name, sizeof identity.name);
  }
  record.thread = identity.number;
  std::memcpy(record.thread_name, identity.name, sizeof record.thread_name);
  record.id = recorder().commands.fetch_add(1, std::memory_order_relaxed) + 1;
}

void deliver(const ProfileRecord &record, const ProfileSinks &sinks, bool was_outstanding) noexcept {
  for (const auto &sink : sinks) {
    sink->take(record);
    if (was_outstanding) sink->outstanding.fetch_sub(1, std::memory_order_acq_rel);
  }
}

void expect_more(const ProfileSinks &sinks) noexcept {
  for (const auto &sink : sinks) sink->outstanding.fetch_add(1, std::memory_order_acq_rel);
}

void give_up(const ProfileSinks &sinks) noexcept {
  for (const auto &sink : sinks) {
    sink->lost.fetch_add(1);
    sink->outstanding.fetch_sub(1, std::memory_order_acq_rel);
  }
}

Operation operation_of(const char *routine) noexcept {
  static const struct {
    const char *start;
    Operation operation;
  } table[] = {{"clEnqueueWriteBuffer", Operation::write},
               {"clEnqueueReadBuffer", Operation::read},
               {"clEnqueueCopyBuffer", Operation::copy},
               {"clEnqueueFillBuffer", Operation::fill},
               {"clEnqueueMapBuffer", Operation::map},
               {"clEnqueueUnmap", Operation::unmap},
               {"clEnqueueMarker", Operation::marker},
               {"clEnqueueBarrier", Operation::barrier},
               {"clblast::", Operation::gemm}};
  for (const auto &row : table)
    if (std::strncmp(routine, row.start, std::strlen(row.start)) == 0) return row.operation;
  return Operation::kernel;
}

// "a matrix product" without its article.
const char *noun(const char *what) noexcept {
  for (const char *article : {"a ", "an ", "the "})
    if (std::strncmp(what, article, std::strlen(article)) == 0) return what + std::strlen(article);
  return what;
}

// The end of a command as the driver tells it; false where it tells nothing that can be.
bool read_times(const QueueTrack::Pending &one, cl_ulong &queued, cl_ulong &start, cl_ulong &end) noexcept {
  const auto read = [](cl_event event, cl_profiling_info key, cl_ulong &value) {
    return clGetEventProfilingInfo(event, key, sizeof value, &value, nullptr) == CL_SUCCESS;
  };
  if (!read(one.event, CL_PROFILING_COMMAND_QUEUED, queued) || !read(one.event, CL_PROFILING_COMMAND_START, start) ||
      !read(one.event, CL_PROFILING_COMMAND_END, end))
    return false;
  cl_ulong earlier = 0;
  if (one.before && read(one.before, CL_PROFILING_COMMAND_END, earlier) && earlier && earlier < start) start = earlier;
  // A clock that stands still gives the same time four times. No command takes hours.
  return end > 0 && start <= end && queued < end && end - start < UINT64_C(1) << 44;
}

// A box that the driver refused went row by row, with a marker behind: that says nothing of when it began.
bool is_marker(cl_event event) noexcept {
  cl_command_type type = 0;
  return clGetEventInfo(event, CL_EVENT_COMMAND_TYPE, sizeof type, &type, nullptr) == CL_SUCCESS &&
         type == CL_COMMAND_MARKER;
}

void time_by_device(const QueueTrack &track, const QueueTrack::Pending &one, ProfileRecord &record) noexcept {
  cl_ulong queued = 0, start = 0, end = 0;
  if (is_marker(one.event) || !read_times(one, queued, start, end)) {
    if (one.blocking) {
      record.clock = ProfileClock::host;
      record.begin_ns = record.call_begin_ns;
      record.end_ns = record.call_end_ns;
      record.duration_ns = record.end_ns - record.begin_ns;
    }
    return;
  }
  track.clock->observe(record.call_begin_ns, record.call_end_ns, queued);
  record.clock = ProfileClock::device;
  record.duration_ns = end - start;
  // The offset is an estimate; that a command runs after the call that made it and before now is not.
  const std::uint64_t now = host_now_ns();
  std::uint64_t begin = track.clock->to_host(start);
  const std::uint64_t latest = now > record.duration_ns ? now - record.duration_ns : 0;
  if (begin > latest) begin = latest;
  if (begin < record.call_begin_ns) begin = record.call_begin_ns;
  record.begin_ns = begin;
  record.end_ns = begin + record.duration_ns;
}

// `status`: the event's, or 1 for a command that nobody waits for any longer.
void finish(const QueueTrack &track, QueueTrack::Pending &one, cl_int status) noexcept {
  if (status < 0) one.record.code = status;
  if (status == CL_COMPLETE) time_by_device(track, one, one.record);
  if (one.event) clReleaseEvent(one.event);
  if (one.before) clReleaseEvent(one.before);
  deliver(one.record, *one.sinks, true);
}

// Takes one command that has come to an end, or, when there are too many, the oldest.
bool take_one(QueueTrack &track, QueueTrack::Pending &one, cl_int &status) noexcept {
  std::unique_lock<std::mutex> lock(track.mutex, std::try_to_lock);
  if (!lock.owns_lock()) return false;  // somebody else is at it
  auto &pending = track.pending;
  const std::size_t looked_at = track.facts->in_order ? 1 : most_looked_at;
  for (std::size_t i = 0; i < pending.size() && i < looked_at; ++i) {
    const cl_int code =
        clGetEventInfo(pending[i].event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, nullptr);
    if (code != CL_SUCCESS) status = 1;  // nothing will be known of it
    if (code == CL_SUCCESS && status > CL_COMPLETE && (i > 0 || pending.size() <= most_pending)) continue;
    one = std::move(pending[i]);
    pending.erase(pending.begin() + static_cast<std::ptrdiff_t>(i));
    return true;
  }
  return false;
}

void collect(QueueTrack &track) noexcept {
  QueueTrack::Pending one;
  cl_int status = 1;
  while (may_call_driver() && take_one(track, one, status)) finish(track, one, status);
}

Tracks all_tracks() {
  std::lock_guard<std::mutex> lock(recorder().mutex);
  return recorder().tracks;
}

bool is_over(QueueTrack &track) {
  std::lock_guard<std::mutex> lock(track.mutex);
  return track.closed.load() && track.pending.empty();
}

// Hands the queue of the oldest command to its device. The event keeps the queue alive for that.
void flush(QueueTrack &track) noexcept {
  cl_event event = nullptr;
  {
    std::lock_guard<std::mutex> lock(track.mutex);
    if (track.pending.empty()) return;
    event = track.pending.back().event;
    if (clRetainEvent(event) != CL_SUCCESS) return;
  }
  cl_command_queue queue = nullptr;
  if (clGetEventInfo(event, CL_EVENT_COMMAND_QUEUE, sizeof queue, &queue, nullptr) == CL_SUCCESS && queue)
    clFlush(queue);
  clReleaseEvent(event);
}

}  // namespace

void add_profile_sink(std::shared_ptr<ProfileSink> sink) {
  Snapshot old;  // goes after the lock: it may hold the last reference to a sink
  std::lock_guard<std::mutex> lock(recorder().mutex);
  auto next = sinks_that_stay();
  next->push_back(std::move(sink));
  old = std::exchange(recorder().sinks, std::move(next));
  profiling_is_on.store(true);
}

void remove_profile_sink(ProfileSink *sink) noexcept {
  Snapshot old;
  std::lock_guard<std::mutex> lock(recorder().mutex);
  sink->gone.store(true);
  try {
    auto next = sinks_that_stay();
    profiling_is_on.store(!next->empty());
    old = std::exchange(recorder().sinks, std::move(next));
  } catch (...) {  // no memory: it goes on taking, which its owner ignores, until sinks change the next time
  }
}

QueueTrack *make_queue_track(const QueueFacts &facts) {
  auto track = std::make_shared<QueueTrack>();
  bool has_timer = facts.opencl_version >= 210 && facts.has_times;
  if (has_timer) {
    // A driver that lacks the function may have nothing at all behind its name: it says so by this number.
    cl_platform_id platform = nullptr;
    cl_ulong resolution = 0;
    has_timer = clGetDeviceInfo(facts.device, CL_DEVICE_PLATFORM, sizeof platform, &platform, nullptr) == CL_SUCCESS &&
                clGetPlatformInfo(platform, CL_PLATFORM_HOST_TIMER_RESOLUTION, sizeof resolution, &resolution,
                                  nullptr) == CL_SUCCESS &&
                resolution > 0;
  }
  track->native = facts.native;
  std::lock_guard<std::mutex> lock(recorder().mutex);
  auto &clock = recorder().clocks[facts.device];
  if (!clock) clock = std::make_shared<DeviceClock>(facts.device, has_timer);
  track->clock = clock;
  track->facts = std::make_shared<const ProfiledQueue>(
      ProfiledQueue{++recorder().queues, facts.in_order, facts.has_times, facts.device_name});
  recorder().tracks.push_back(track);
  return track.get();
}

void close_queue_track(QueueTrack *track) noexcept {
  if (!track) return;
  const auto find = [track] {
    auto &tracks = recorder().tracks;
    return std::find_if(tracks.begin(), tracks.end(), [track](const auto &one) { return one.get() == track; });
  };
  std::shared_ptr<QueueTrack> mine;  // once it is closed, others may drop it
  {
    std::lock_guard<std::mutex> lock(recorder().mutex);
    mine = *find();
  }
  mine->closed.store(true);
  if (!process_running()) return;
  collect(*mine);
  std::lock_guard<std::mutex> lock(recorder().mutex);
  if (const auto found = find(); found != recorder().tracks.end() && is_over(*mine)) recorder().tracks.erase(found);
}

void collect_profile(QueueTrack *track) noexcept {
  if (track) collect(*track);
}

void collect_all_profiles() noexcept {
  try {
    for (const auto &track : all_tracks()) collect(*track);
    Tracks gone;
    std::lock_guard<std::mutex> lock(recorder().mutex);
    auto &tracks = recorder().tracks;
    const auto over =
        std::stable_partition(tracks.begin(), tracks.end(), [](const auto &one) { return !is_over(*one); });
    gone.assign(over, tracks.end());
    tracks.erase(over, tracks.end());
  } catch (...) {  // no memory: later
  }
}

void drain_profiles() noexcept {
  recorder().draining.store(true);
  collect_all_profiles();
  recorder().draining.store(false);
}

void await_profile(const ProfileSink &sink, std::uint64_t timeout_ns) noexcept {
  const std::uint64_t begin = host_now_ns();
  std::uint64_t pause_us = 0;
  bool flushed = false;
  while (process_running()) {
    collect_all_profiles();
    if (sink.outstanding.load() == 0 || host_now_ns() - begin >= timeout_ns) return;
    if (!flushed) {
      try {
        for (const auto &track : all_tracks()) flush(*track);
      } catch (...) {
      }
      flushed = true;
      continue;
    }
    if (pause_us)
      std::this_thread::sleep_for(std::chrono::microseconds(pause_us));
    else
      std::this_thread::yield();
    pause_us = std::min<std::uint64_t>(1000, pause_us * 2 + 1);
  }
}

void forget_profiles() noexcept {
  try {
    const Snapshot wanted = current_sinks();
    if (!wanted) return;
    const auto nobody_waits = [&](const QueueTrack::Pending &one) {
      return std::none_of(one.sinks->begin(), one.sinks->end(), [&](const auto &sink) {
        return std::find(wanted->begin(), wanted->end(), sink) != wanted->end();
      });
    };
    for (const auto &track : all_tracks()) {
      std::vector<QueueTrack::Pending> gone;
      {
        std::lock_guard<std::mutex> lock(track->mutex);
        auto &pending = track->pending;
        const auto first =
            std::stable_partition(pending.begin(), pending.end(), [&](const auto &one) { return !nobody_waits(one); });
        gone.assign(std::make_move_iterator(first), std::make_move_iterator(pending.end()));
        pending.erase(first, pending.end());
      }
      if (!process_running()) return;
      for (QueueTrack::Pending &one : gone) finish(*track, one, 1);
    }
    collect_all_profiles();
  } catch (...) {  // no memory: they go when they are complete
  }
}

CommandProbe::CommandProbe(QueueTrack *track, const char *routine, const char *what, const std::string &name,
                           const Work &work) noexcept
    : track_(track) {
  if (!track) return;
  try {
    sinks_ = current_sinks();
    record_.operation = operation_of(routine);
    const ProfileScope *scope = current_scope;
    const bool computes = record_.operation == Operation::kernel || record_.operation == Operation::gemm;
    if (computes && scope) {
      record_.operation = scope->record_.operation;
      record_.name = scope->record_.name;
    } else if (computes) {
      record_.name = name.empty() ? noun(what) : name;
    } else {
      record_.name = name_of(record_.operation);
    }
  } catch (...) {
    sinks_.reset();
  }
  if (!sinks_ || sinks_->empty()) {
    sinks_.reset();
    return;
  }
  record_.queue = track->facts;
  record_.bytes = work.bytes;
  record_.dims = work.dims;
  for (std::uint32_t d = 0; d < work.dims; ++d) {
    record_.global[d] = work.global[d];
    record_.local[d] = work.local ? work.local[d] : 0;
  }
  blocking_ = work.blocking;
  wants_event_ =
      track->facts->has_times && record_.operation != Operation::marker && record_.operation != Operation::barrier;
  sign(record_);
  // Of CLBlast's kernels only the last has an event.
  if (wants_event_ && std::strncmp(routine, "clblast::", 9) == 0 &&
      clEnqueueMarkerWithWaitList(track->native, 0, nullptr, &before_) != CL_SUCCESS)
    before_ = nullptr;
  record_.call_begin_ns = host_now_ns();
}

CommandProbe::~CommandProbe() {
  if (before_ && may_call_driver()) clReleaseEvent(before_);
}

void CommandProbe::done(cl_int code, cl_event event) noexcept {
  if (!sinks_) return;
  record_.call_end_ns = host_now_ns();
  record_.code = code;
  if (code == CL_SUCCESS && event && wants_event_ && may_call_driver() && clRetainEvent(event) == CL_SUCCESS) {
    expect_more(*sinks_);
    try {
      std::lock_guard<std::mutex> lock(track_->mutex);
      track_->pending.push_back({std::move(record_), event, before_, blocking_, sinks_});
      before_ = nullptr;
    } catch (...) {
      clReleaseEvent(event);
      give_up(*sinks_);
    }
  } else {
    if (code == CL_SUCCESS && blocking_) {
      record_.clock = ProfileClock::host;
      record_.begin_ns = record_.call_begin_ns;
      record_.end_ns = record_.call_end_ns;
      record_.duration_ns = record_.end_ns - record_.begin_ns;
    }
    deliver(record_, *sinks_, false);
  }
  collect(*track_);
  const std::uint64_t now = host_now_ns();
  if (now - recorder().last_sweep.load(std::memory_order_relaxed) < sweep_interval) return;
  recorder().last_sweep.store(now, std::memory_order_relaxed);
  collect_all_profiles();
}

StagedProbe::StagedProbe(QueueTrack *track, bool write, std::uint64_t bytes) noexcept {
  if (!track) return;
  try {
    record_.operation = write ? Operation::write : Operation::read;
    record_.name = write ? "write (staged)" : "read (staged)";
    sinks_ = current_sinks();
  } catch (...) {
    return;
  }
  record_.queue = track->facts;
  record_.bytes = bytes;
  sign(record_);
  record_.call_begin_ns = record_.call_end_ns = host_now_ns();
  expect_more(*sinks_);
}

StagedProbe::~StagedProbe() {
  if (sinks_) give_up(*sinks_);
}

void StagedProbe::ends(cl_int code) noexcept {
  if (!sinks_) return;
  record_.code = code;
  if (code == CL_SUCCESS) {
    record_.clock = ProfileClock::host;
    record_.end_ns = host_now_ns();
    record_.duration_ns = record_.end_ns - record_.begin_ns;
  }
  const Snapshot sinks = std::move(sinks_);
  sinks_.reset();
  deliver(record_, *sinks, true);
}

void ProfileScope::begin(Operation operation, std::string name) noexcept {
  try {
    sinks_ = current_sinks();
  } catch (...) {
    return;
  }
  record_.operation = operation;
  record_.name = std::move(name);
  sign(record_);
  record_.call_begin_ns = host_now_ns();
  outer_ = current_scope;
  current_scope = this;
  active_ = true;
}

void ProfileScope::end() noexcept {
  current_scope = outer_;
  record_.call_end_ns = host_now_ns();
  deliver(record_, *sinks_, false);
}

void record_build(const std::string &name, const std::string &device, std::uint64_t begin_ns, std::uint64_t end_ns,
                  std::uint64_t source_bytes, cl_int code) noexcept {
  try {
    const Snapshot sinks = current_sinks();
    ProfileRecord record;
    record.operation = Operation::build;
    record.name = name;
    record.queue = std::make_shared<const ProfiledQueue>(ProfiledQueue{0, true, false, device});
    sign(record);
    record.call_begin_ns = record.begin_ns = begin_ns;
    record.call_end_ns = record.end_ns = end_ns;
    record.duration_ns = end_ns - begin_ns;
    record.clock = ProfileClock::host;
    record.bytes = source_bytes;
    record.code = code;
    deliver(record, *sinks, false);
  } catch (...) {  // no memory: no record
  }
}

}  // namespace gpucompute
