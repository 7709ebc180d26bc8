#include "profile/trace_format.hpp"

#include <unistd.h>

#include <charconv>
#include <fstream>

#include "profile/device_clock.hpp"
#include "support/json_writer.hpp"

namespace gpucompute {
namespace {

// Threads of Linux have numbers below 2^22.
constexpr std::int64_t queue_tracks = 1 << 24;

// Microseconds, as the format has them, with the nanoseconds behind the point.
void microseconds(std::string &out, std::uint64_t ns) {
  out += std::to_string(ns / 1000);
  const std::string rest = std::to_string(1000 + ns % 1000);
  out += '.';
  out.append(rest, 1, 3);
}

void number(std::string &out, double value) {
  char text[40];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, 3);
  if (error == std::errc()) out.append(text, end);
}

void sizes(std::string &out, const char *key, const std::size_t size[3], std::uint32_t dims) {
  out += key;
  for (std::uint32_t d = 0; d < dims; ++d) {
    if (d) out += ',';
    out += std::to_string(size[d]);
  }
  out += ']';
}

std::string program_name() {
  std::ifstream file("/proc/self/comm");
  std::string name;
  std::getline(file, name);
  return name.empty() ? "a program" : name;
}

}  // namespace

TraceFormat::TraceFormat() : process_("\"pid\":" + std::to_string(getpid())) {}

const std::string &TraceFormat::quoted(const std::string &text) {
  const auto found = quoted_.find(text);
  if (found != quoted_.end()) return found->second;
  if (quoted_.size() > 10000) quoted_.clear();  // products of ever new shapes
  return quoted_.emplace(text, json_quoted(text)).first->second;
}

void TraceFormat::open(std::string &out) {
  out += ",\n{\"name\":\"process_name\",\"ph\":\"M\"," + process_ +
         ",\"args\":{\"name\":" + json_quoted(program_name() + " (libgpucompute " GPUCOMPUTE_VERSION ")") + "}}";
}

void TraceFormat::event(std::string &out, char phase, std::uint64_t at_ns, std::int64_t thread) {
  out += ",\"ph\":\"";
  out += phase;
  out += "\",\"ts\":";
  microseconds(out, at_ns);
  out += ',';
  out += process_;
  out += ",\"tid\":";
  out += std::to_string(thread);
}

void TraceFormat::name_thread(std::string &out, const ProfileRecord &record) {
  if (!threads_.insert(record.thread).second) return;
  out += ",\n{\"name\":\"thread_name\",\"ph\":\"M\"," + process_ + ",\"tid\":" + std::to_string(record.thread) +
         ",\"args\":{\"name\":" + json_quoted(std::string("host: ") + record.thread_name) + "}}";
}

void TraceFormat::name_queue(std::string &out, const ProfiledQueue &queue) {
  if (!queues_.emplace(queue.number, 0).second) return;
  const std::string track = ",\"tid\":" + std::to_string(queue_tracks + queue.number);
  std::string name = "queue " + std::to_string(queue.number) + ": " + queue.device;
  if (!queue.in_order) name += ", out of order";
  if (!queue.has_times) name += " (no device times: made before recording began)";
  out += ",\n{\"name\":\"thread_name\",\"ph\":\"M\"," + process_ + track + ",\"args\":{\"name\":" + json_quoted(name) +
         "}}";
  out += ",\n{\"name\":\"thread_sort_index\",\"ph\":\"M\"," + process_ + track +
         ",\"args\":{\"sort_index\":" + std::to_string(-1000 + static_cast<int>(queue.number)) + "}}";
}

void TraceFormat::arguments(std::string &out, const ProfileRecord &record, bool on_device) {
  out += ",\"args\":{\"command\":";
  out += std::to_string(record.id);
  if (record.bytes) out += ",\"bytes\":" + std::to_string(record.bytes);
  if (on_device && record.bytes && record.duration_ns) {
    out += ",\"GB/s\":";
    number(out, static_cast<double>(record.bytes) / static_cast<double>(record.duration_ns));
  }
  if (record.dims) {
    sizes(out, ",\"global\":[", record.global, record.dims);
    if (record.local[0]) sizes(out, ",\"local\":[", record.local, record.dims);
  }
  if (on_device) out += record.clock == ProfileClock::device ? ",\"clock\":\"device\"" : ",\"clock\":\"host\"";
  if (record.code) out += ",\"error\":" + std::to_string(record.code);
  out += "}}";
}

void TraceFormat::append(std::string &out, const ProfileRecord &record) {
  name_thread(out, record);
  const bool has_queue = record.queue && record.queue->number;
  if (has_queue) name_queue(out, *record.queue);

  const bool computes = record.operation == Operation::kernel || (record.operation == Operation::gemm && has_queue);
  const std::string host_name = (computes                               ? "launch "
                                 : record.operation == Operation::build ? "build "
                                                                        : "") +
                                record.name;
  out += ",\n{\"name\":" + quoted(host_name) + ",\"cat\":\"host\"";
  event(out, 'X', record.call_begin_ns, record.thread);
  out += ",\"dur\":";
  microseconds(out, record.call_end_ns - record.call_begin_ns);
  arguments(out, record, false);
  if (!has_queue || record.clock == ProfileClock::none) return;

  const std::int64_t track = queue_tracks + record.queue->number;
  const std::string &name = quoted(record.name);
  std::uint64_t begin = record.begin_ns, end = record.end_ns;
  const std::string category = std::string(",\"cat\":\"") + name_of(record.operation) + "\"";
  if (record.queue->in_order) {
    // Commands of such a queue do not overlap; estimates of when they ran may, by a little.
    std::uint64_t &last = queues_[record.queue->number];
    if (begin < last) begin = last;
    if (end < begin) end = begin;
    last = end;
    out += ",\n{\"name\":" + name + category;
    event(out, 'X', begin, track);
    out += ",\"dur\":";
    microseconds(out, end - begin);
    arguments(out, record, true);
  } else {
    // Where commands may overlap each is a track's asynchronous slice.
    const std::string id = ",\"id\":" + std::to_string(record.id);
    out += ",\n{\"name\":" + name + category + id;
    event(out, 'b', begin, track);
    arguments(out, record, true);
    out += ",\n{\"name\":" + name + category + id;
    event(out, 'e', end, track);
    out += '}';
  }
  // An arrow from the call to what it started.
  const std::string arrow = ",\n{\"name\":\"command\",\"cat\":\"flow\",\"id\":" + std::to_string(record.id);
  out += arrow;
  event(out, 's', record.call_begin_ns, record.thread);
  out += '}';
  out += arrow + ",\"bp\":\"e\"";
  event(out, 'f', begin, track);
  out += '}';
}

void TraceFormat::note(std::string &out, const std::string &text) {
  out += ",\n{\"name\":" + json_quoted(text) + ",\"s\":\"g\"";
  event(out, 'i', host_now_ns(), 0);
  out += '}';
}

}  // namespace gpucompute
