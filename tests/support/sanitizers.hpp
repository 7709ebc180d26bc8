// What the tests are compiled for.
#pragma once

namespace gpucompute::test {

// A sanitizer's allocator serves malloc: it keeps what is freed, and its locks are not made ready for a fork.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitizer_allocator = true;
#elif defined(__has_feature)
constexpr bool sanitizer_allocator = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool sanitizer_allocator = false;
#endif

}  // namespace gpucompute::test
