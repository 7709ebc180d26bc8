#include "runtime/stream_copy.hpp"

#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace gpucompute {

void stream_copy(void *destination, const void *source, std::size_t size) noexcept {
  auto *out = static_cast<unsigned char *>(destination);
  const auto *in = static_cast<const unsigned char *>(source);
#if defined(__SSE2__)
  constexpr std::size_t line = 64;
  if (size >= 4 * line) {
    const std::size_t head = (line - reinterpret_cast<std::uintptr_t>(out) % line) % line;
    std::memcpy(out, in, head);
    out += head;
    in += head;
    size -= head;
    for (; size >= line; size -= line, out += line, in += line) {
      const auto *from = reinterpret_cast<const __m128i *>(in);
      auto *to = reinterpret_cast<__m128i *>(out);
      const __m128i a = _mm_loadu_si128(from), b = _mm_loadu_si128(from + 1), c = _mm_loadu_si128(from + 2),
                    d = _mm_loadu_si128(from + 3);
      _mm_stream_si128(to, a);
      _mm_stream_si128(to + 1, b);
      _mm_stream_si128(to + 2, c);
      _mm_stream_si128(to + 3, d);
    }
    _mm_sfence();  // streaming stores are not ordered with what tells others that the copy is done
  }
#endif
  std::memcpy(out, in, size);
}

}  // namespace gpucompute
