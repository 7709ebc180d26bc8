// Records as text in the trace event format, which Perfetto and chrome://tracing read.
#pragma once

#include <gpucompute/profile.hpp>

#include <string>
#include <unordered_map>
#include <unordered_set>

namespace gpucompute {

// Not for several threads at once.
class TraceFormat {
 public:
  TraceFormat();

  // Appends events, each as one line that begins with ",\n"; the first of all also begins so.
  void open(std::string &out);  // the process and the clock
  void append(std::string &out, const ProfileRecord &record);
  void note(std::string &out, const std::string &text);  // an instant that is seen on all tracks

 private:
  const std::string &quoted(const std::string &text);
  void name_thread(std::string &out, const ProfileRecord &record);
  void name_queue(std::string &out, const ProfiledQueue &queue);
  void event(std::string &out, char phase, std::uint64_t at_ns, std::int64_t thread);
  void arguments(std::string &out, const ProfileRecord &record, bool on_device);

  const std::string process_;  // "pid":123
  std::unordered_map<std::string, std::string> quoted_;
  std::unordered_set<std::int32_t> threads_;
  std::unordered_map<unsigned, std::uint64_t> queues_;  // number to the end of what was shown last
};

}  // namespace gpucompute
