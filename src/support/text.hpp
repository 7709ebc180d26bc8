// Builds one-line messages from pieces: text("lda is ", lda, ", must be >= ", need).
#pragma once

#include <sstream>
#include <string>
#include <string_view>
#include <utility>

namespace gpucompute {

template <class... Pieces>
std::string text(Pieces &&...pieces) {
  std::ostringstream out;
  out.exceptions(std::ios::badbit);  // no memory is an exception, not a text that ends early
  (out << ... << std::forward<Pieces>(pieces));
  return out.str();
}

// How much of `whole` is left when all of `characters` at its end are cut off.
inline std::size_t length_without(std::string_view whole, const char *characters) {
  const std::size_t last = whole.find_last_not_of(characters);
  return last == std::string_view::npos ? 0 : last + 1;
}

}  // namespace gpucompute
