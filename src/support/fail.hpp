// fail(): the one way the core throws.
#pragma once

#include <gpucompute/error.hpp>

#include "support/text.hpp"

namespace gpucompute {

template <class... Pieces>
[[noreturn]] void fail(Status status, Pieces &&...pieces) {
  throw Error(status, text(std::forward<Pieces>(pieces)...));
}

}  // namespace gpucompute
