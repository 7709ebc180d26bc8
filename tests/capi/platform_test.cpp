#include "support.hpp"

#include <CL/cl.h>

using namespace capi_test;

TEST_SUITE("platform") {
  static std::vector<Platform> list() {
    size_t count = 0;
    OK(gpuc_platform_list(nullptr, 0, &count));
    REQUIRE(count >= 1);
    std::vector<gpuc_platform *> items(count + 2, nullptr);
    size_t again = 0;
    OK(gpuc_platform_list(items.data(), items.size(), &again));
    CHECK(again == count);
    CHECK(items[count] == nullptr);
    std::vector<Platform> result;
    for (size_t i = 0; i < count; ++i) result.emplace_back(items[i]);
    return result;
  }

  TEST_CASE("listing") {
    const auto all = list();
    // Fewer places than platforms: that many, and the whole count.
    gpuc_platform *one[1] = {nullptr};
    size_t count = 0;
    OK(gpuc_platform_list(one, 1, &count));
    CHECK(count == all.size());
    CHECK(one[0] == all[0].get());  // the same object has the same handle
    gpuc_platform_release(one[0]);
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_platform_list(nullptr, 3, &count));
    SAYS("items");
    CHECK(count == 0);
    FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_platform_list(one, 1, nullptr));
    SAYS("out_count");
  }

  TEST_CASE("texts") {
    for (const Platform &platform : list()) {
      for (gpuc_platform_string key = GPUC_PLATFORM_NAME; key <= GPUC_PLATFORM_EXTENSIONS; ++key) {
        // documented: gpuc_platform_get_string GPUC_ERROR_BUFFER_TOO_SMALL
        const std::string text = check_string_result([&](char *buf, size_t capacity, size_t *needed) {
          return gpuc_platform_get_string(platform, key, buf, capacity, needed);
        });
        CHECK((key == GPUC_PLATFORM_EXTENSIONS || !text.empty()));
      }
      for (const gpuc_platform_string key : {0, 6, -1, INT32_MAX}) {
        char buf[8];
        size_t needed = 0;
        // documented: gpuc_platform_get_string GPUC_ERROR_INVALID_ARGUMENT
        FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_platform_get_string(platform, key, buf, sizeof buf, &needed));
        SAYS("key is ");
      }
    }
  }

  TEST_CASE("native handle") {
    for (const Platform &platform : list()) {
      void *native = nullptr;
      OK(gpuc_platform_get_native(platform, &native));
      char version[256];
      CHECK(clGetPlatformInfo(static_cast<cl_platform_id>(native), CL_PLATFORM_VERSION, sizeof version, version,
                              nullptr) == CL_SUCCESS);
      CHECK(text_of([&](char *buf, size_t capacity, size_t *needed) {
              return gpuc_platform_get_string(platform, GPUC_PLATFORM_VERSION, buf, capacity, needed);
            }) == version);
      FAILS(GPUC_ERROR_NULL_ARGUMENT, gpuc_platform_get_native(platform, nullptr));
    }
  }

  TEST_CASE("references") {
    auto all = list();
    gpuc_platform *platform = all[0];
    OK(gpuc_platform_retain(platform));
    gpuc_platform_release(platform);
    void *native = nullptr;
    OK(gpuc_platform_get_native(platform, &native));
    gpuc_platform_release(nullptr);
  }
}
