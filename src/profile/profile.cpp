#include <gpucompute/profile.hpp>

#include <algorithm>
#include <cstdio>
#include <mutex>
#include <unordered_map>

#include "profile/device_clock.hpp"
#include "profile/recorder.hpp"
#include "profile/trace_file.hpp"
#include "support/fail.hpp"
#include "support/text.hpp"

namespace gpucompute {
namespace {

constexpr std::size_t most_rows = 4096;
const char *const other_name = "(others)";

double per_second(double bytes, double ns) { return ns > 0 ? bytes / ns : 0; }  // bytes per ns are GB per s

std::string fixed(const char *format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string microseconds(std::uint64_t ns) { return fixed("%.2f", static_cast<double>(ns) / 1000); }

// Columns as wide as they must be; the first two to the left, numbers to the right.
std::string table(const std::vector<std::vector<std::string>> &lines) {
  std::vector<std::size_t> widths(lines.front().size(), 0);
  for (const auto &line : lines)
    for (std::size_t c = 0; c < line.size(); ++c) widths[c] = std::max(widths[c], line[c].size());
  std::string out;
  for (const auto &line : lines) {
    std::string row;
    for (std::size_t c = 0; c < line.size(); ++c) {
      const std::string pad(widths[c] - line[c].size(), ' ');
      row += (c ? "  " : "") + (c < 2 ? line[c] + pad : pad + line[c]);
    }
    row.erase(length_without(row, " "));
    out += row + "\n";
  }
  return out;
}

}  // namespace

const char *name_of(Operation operation) noexcept {
  static const char *const names[] = {"",     "kernel", "gemm",  "write",  "read",    "copy",
                                      "fill", "map",    "unmap", "marker", "barrier", "build"};
  const auto index = static_cast<std::size_t>(operation);
  return index < sizeof names / sizeof *names ? names[index] : "";
}

// What a profile gathers. Results are fixed, and read without the lock, once it is stopped.
class ProfileData final : public ProfileSink {
 public:
  explicit ProfileData(std::uint64_t max_records) : max_records_(max_records), started_ns(host_now_ns()) {}

  void take(const ProfileRecord &record) noexcept override;
  void stop(std::uint64_t timeout_ns);
  const ProfileData &results() const {
    std::lock_guard<std::mutex> lock(mutex_);
    if (state_ != State::stopped) fail(Status::invalid_state, "the profile is still running; stop it first");
    return *this;
  }

 private:
  ProfileRow &row_of(const ProfileRecord &record);

  const std::uint64_t max_records_;
  mutable std::mutex mutex_;
  enum class State { running, stopping, stopped } state_ = State::running;
  std::unordered_map<std::string, std::size_t> row_of_;

 public:
  const std::uint64_t started_ns;
  std::uint64_t stopped_ns = 0, unfinished = 0, dropped = 0;
  std::vector<ProfileRecord> records;
  std::vector<ProfileRow> rows;
};

ProfileRow &ProfileData::row_of(const ProfileRecord &record) {
  const auto key_of = [&](const std::string &name) {
    return text(static_cast<int>(record.operation), " ", record.queue->device, "\n", name);
  };
  std::string name = record.name;
  auto found = row_of_.find(key_of(name));
  if (found == row_of_.end() && rows.size() >= most_rows) {
    name = other_name;
    found = row_of_.find(key_of(name));
  }
  if (found == row_of_.end()) {
    rows.emplace_back();
    rows.back().operation = record.operation;
    rows.back().name = name;
    rows.back().device = record.queue->device;
    found = row_of_.emplace(key_of(name), rows.size() - 1).first;
  }
  return rows[found->second];
}

void ProfileData::take(const ProfileRecord &record) noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  if (state_ == State::stopped) return;
  try {
    if (records.size() < max_records_)
      records.push_back(record);
    else
      ++dropped;
    // Waiting is no work; a span around commands has none of its own.
    if (record.operation == Operation::marker || record.operation == Operation::barrier || !record.queue) return;
    ProfileRow &row = row_of(record);
    ++row.count;
    row.failed += record.code != 0;
    row.bytes += record.bytes;
    row.host_ns += record.call_end_ns - record.call_begin_ns;
    if (record.clock == ProfileClock::none || record.code != 0) return;
    // What the device measured is not mixed with what the host did: the device's counts.
    if (row.clock == ProfileClock::device && record.clock == ProfileClock::host) return;
    if (row.clock == ProfileClock::host && record.clock == ProfileClock::device)
      row.timed = row.timed_bytes = row.total_ns = row.min_ns = row.max_ns = 0;
    row.clock = record.clock;
    row.min_ns = row.timed ? std::min(row.min_ns, record.duration_ns) : record.duration_ns;
    row.max_ns = std::max(row.max_ns, record.duration_ns);
    row.total_ns += record.duration_ns;
    row.timed_bytes += record.bytes;
    ++row.timed;
  } catch (...) {
    lost.fetch_add(1);
  }
}

void ProfileData::stop(std::uint64_t timeout_ns) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (state_ != State::running) fail(Status::invalid_state, "the profile was stopped before");
    state_ = State::stopping;
    stopped_ns = host_now_ns();
  }
  remove_profile_sink(this);
  await_profile(*this, timeout_ns);
  std::unique_lock<std::mutex> lock(mutex_);
  unfinished = outstanding.load();
  dropped += lost.load();
  std::sort(records.begin(), records.end(), [](const auto &a, const auto &b) { return a.id < b.id; });
  std::stable_sort(rows.begin(), rows.end(), [](const auto &a, const auto &b) { return a.total_ns > b.total_ns; });
  state_ = State::stopped;
  lock.unlock();
  if (unfinished) forget_profiles();
}

std::shared_ptr<Profile> Profile::start(std::uint64_t max_records) {
  auto data = std::make_shared<ProfileData>(max_records);
  std::shared_ptr<Profile> profile(new Profile(data));
  add_profile_sink(std::move(data));
  return profile;
}

Profile::~Profile() {
  remove_profile_sink(data_.get());
  if (data_->outstanding.load()) forget_profiles();
}

void Profile::stop(std::uint64_t timeout_ns) { data_->stop(timeout_ns); }
const std::vector<ProfileRow> &Profile::rows() const { return data_->results().rows; }
const std::vector<ProfileRecord> &Profile::records() const { return data_->results().records; }
std::uint64_t Profile::dropped() const { return data_->results().dropped; }
std::uint64_t Profile::unfinished() const { return data_->results().unfinished; }
std::uint64_t Profile::duration_ns() const { return data_->results().stopped_ns - data_->started_ns; }

std::string Profile::report() const {
  const ProfileData &data = data_->results();
  std::uint64_t total = 0, device_total = 0;
  bool several_devices = false, untimed = false;
  for (const ProfileRow &row : data.rows) {
    if (row.operation != Operation::build) total += row.total_ns;  // which is the host's
    if (row.clock == ProfileClock::device) device_total += row.total_ns;
    several_devices = several_devices || row.device != data.rows.front().device;
    untimed = untimed || row.timed + row.failed < row.count;
  }
  std::vector<std::vector<std::string>> lines;
  lines.push_back(
      {"operation", "name", "count", "total us", "mean us", "min us", "max us", "%", "MB", "GB/s", "clock"});
  for (const ProfileRow &row : data.rows) {
    const bool timed = row.timed > 0, moves = row.bytes > 0 && row.operation != Operation::build;
    const auto ns = [&](std::uint64_t value) { return timed ? microseconds(value) : std::string("-"); };
    lines.push_back({name_of(row.operation), several_devices ? row.name + " @ " + row.device : row.name,
                     std::to_string(row.count) + (row.failed ? " (" + std::to_string(row.failed) + " failed)" : ""),
                     ns(row.total_ns), ns(timed ? row.total_ns / row.timed : 0), ns(row.min_ns), ns(row.max_ns),
                     timed && total && row.operation != Operation::build
                         ? fixed("%.1f", 100.0 * static_cast<double>(row.total_ns) / static_cast<double>(total))
                         : "-",
                     moves ? fixed("%.2f", static_cast<double>(row.bytes) / 1e6) : "",
                     moves && timed && row.total_ns ? fixed("%.2f", per_second(static_cast<double>(row.timed_bytes),
                                                                               static_cast<double>(row.total_ns)))
                                                    : "",
                     !timed                              ? "none"
                     : row.clock == ProfileClock::device ? "device"
                                                         : "host"});
  }
  std::string out = table(lines);
  out +=
      text(microseconds(device_total), " us on devices in ", microseconds(data.stopped_ns - data.started_ns), " us\n");
  if (untimed)
    out += "commands without times were put on queues made before the profile began, or their driver tells none\n";
  if (data.unfinished) out += text(data.unfinished, " commands were not complete at the end and are not counted\n");
  if (data.dropped) out += text(data.dropped, " records found no room and are counted only\n");
  return out;
}

void Profile::write_trace(const std::string &path) const {
  const auto &all = records();
  TraceFile file(path, false, UINT64_MAX);
  for (const ProfileRecord &record : all) file.take(record);
  file.close();
}

}  // namespace gpucompute
