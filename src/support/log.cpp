#include "support/log.hpp"

#include <atomic>
#include <mutex>

namespace gpucompute {
namespace {

std::atomic<int> wanted{0};
std::mutex sink_mutex;
LogSink current_sink = nullptr;
void *current_user_data = nullptr;

}  // namespace

void log_set(LogSink sink, void *user_data, LogLevel level) noexcept {
  std::lock_guard<std::mutex> lock(sink_mutex);
  current_sink = sink;
  current_user_data = user_data;
  wanted.store(sink ? static_cast<int>(level) : 0);
}

bool log_wanted(LogLevel level) noexcept { return static_cast<int>(level) <= wanted.load(std::memory_order_relaxed); }

void log_message(LogLevel level, const std::string &message) noexcept {
  LogSink sink;
  void *user_data;
  {
    std::lock_guard<std::mutex> lock(sink_mutex);
    sink = current_sink;
    user_data = current_user_data;
  }
  if (sink) sink(user_data, static_cast<int>(level), message.c_str());
}

}  // namespace gpucompute
