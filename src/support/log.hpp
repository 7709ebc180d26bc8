// The log: silent unless a sink is set. The sink is called with no lock held.
#pragma once

#include <string>
#include <utility>

#include "support/text.hpp"

namespace gpucompute {

enum class LogLevel : int { off = 0, warning = 1, info = 2, debug = 3 };
using LogSink = void (*)(void *user_data, int level, const char *message);

void log_set(LogSink sink, void *user_data, LogLevel level) noexcept;
bool log_wanted(LogLevel level) noexcept;
void log_message(LogLevel level, const std::string &message) noexcept;

template <class... Pieces>
void log(LogLevel level, Pieces &&...pieces) {
  if (log_wanted(level)) log_message(level, text(std::forward<Pieces>(pieces)...));
}

}  // namespace gpucompute
