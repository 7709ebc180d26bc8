// Builds one-line messages from pieces: text("lda is ", lda, ", must be >= ", need).
#pragma once

#include <sstream>
#include <string>
#include <utility>

namespace gpucompute {

template <class... Pieces>
std::string text(Pieces &&...pieces) {
  std::ostringstream out;
  (out << ... << std::forward<Pieces>(pieces));
  return out.str();
}

}  // namespace gpucompute
