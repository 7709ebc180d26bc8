#include "support/json_writer.hpp"

#include <nlohmann/json.hpp>

namespace gpucompute {

std::string json_quoted(const std::string &text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void JsonWriter::open(char bracket) {
  out_ += bracket;
  ++depth_;
  empty_ = true;
}

void JsonWriter::close(char bracket) {
  --depth_;
  if (!empty_) line();
  out_ += bracket;
  empty_ = false;
}

void JsonWriter::item() {
  if (!empty_) out_ += ',';
  empty_ = false;
  line();
}

void JsonWriter::line() {
  out_ += '\n';
  out_.append(2 * std::size_t{depth_}, ' ');
}

}  // namespace gpucompute
