#include "support.hpp"

#include <sys/resource.h>

#include <filesystem>

using namespace capi_test;

namespace {

std::string tuning_json() {
  return text_of([](char *buf, size_t capacity, size_t *needed) {
    return gpuc_tuning_get_json(runtime().device, buf, capacity, needed);
  });
}

}  // namespace

TEST_SUITE("tuning") {
  TEST_CASE("a table is stored, shown and forgotten") {
    const TuningFolder folder;
    CHECK(tuning_json().find("\"values\": []") != std::string::npos);
    CHECK(std::filesystem::is_empty(folder.path()));
    const gpuc_tune_options options = hasty_tune_options();
    OK(gpuc_tune(runtime().queue, &options));
    CHECK(!std::filesystem::is_empty(folder.path()));
    const std::string json = tuning_json();
    CHECK(json.front() == '{');
    CHECK(json.find("\"date\": \"20") != std::string::npos);
    int32_t removed = 7;
    OK(gpuc_tuning_reset(runtime().device, &removed));
    CHECK(removed == 1);
    OK(gpuc_tuning_reset(runtime().device, &removed));
    CHECK(removed == 0);
    OK(gpuc_tuning_reset(runtime().device, nullptr));
    CHECK(tuning_json().find("\"date\": \"\"") != std::string::npos);
    // documented: gpuc_tuning_get_json GPUC_ERROR_BUFFER_TOO_SMALL
    check_string_result([](char *buf, size_t capacity, size_t *needed) {
      return gpuc_tuning_get_json(runtime().device, buf, capacity, needed);
    });
  }

  TEST_CASE("directory") {
    const auto directory = [] {
      return text_of(
          [](char *buf, size_t capacity, size_t *needed) { return gpuc_tuning_get_directory(buf, capacity, needed); });
    };
    {
      const TuningFolder folder;
      CHECK(directory() == folder.path());
      // documented: gpuc_tuning_get_directory GPUC_ERROR_BUFFER_TOO_SMALL
      check_string_result(
          [](char *buf, size_t capacity, size_t *needed) { return gpuc_tuning_get_directory(buf, capacity, needed); });
    }
    const Environment off("GPUC_TUNING", "off");
    CHECK(directory() == "");
  }

  TEST_CASE("options") {
    const TuningFolder folder;
    const auto tune = [](void (*change)(gpuc_tune_options &)) {
      gpuc_tune_options options = hasty_tune_options();
      change(options);
      return gpuc_tune(runtime().queue, &options);
    };
    // documented: gpuc_tune GPUC_ERROR_INVALID_ARGUMENT
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, tune([](gpuc_tune_options &o) { o.type = GPUC_TYPE_U8; }));
    SAYS("type is ");
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, tune([](gpuc_tune_options &o) { o.max_size = 0; }));
    SAYS("max_size is 0");
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, tune([](gpuc_tune_options &o) { o.seconds = 0; }));
    SAYS("seconds is 0");
    FAILS(GPUC_ERROR_INVALID_ARGUMENT, tune([](gpuc_tune_options &o) { o.flags = 1; }));
    SAYS("flags is 1");
    // documented: gpuc_tune GPUC_ERROR_NOT_FOUND
    FAILS(GPUC_ERROR_NOT_FOUND, tune([](gpuc_tune_options &o) { o.backend = "magic"; }));
    SAYS("backend is 'magic'");
    // documented: gpuc_tune GPUC_ERROR_UNSUPPORTED
    FAILS(GPUC_ERROR_UNSUPPORTED, tune([](gpuc_tune_options &o) { o.backend = "reference"; }));
    SAYS("'reference' has no parameters");
    int no_queue = 0;
    FAILS(GPUC_ERROR_INVALID_HANDLE, gpuc_tune(reinterpret_cast<gpuc_queue *>(&no_queue), nullptr));
  }

  TEST_CASE("without a table, or one that cannot be written") {
    {
      const Environment off("GPUC_TUNING", "0");
      // documented: gpuc_tune GPUC_ERROR_INVALID_STATE
      FAILS(GPUC_ERROR_INVALID_STATE, gpuc_tune(runtime().queue, nullptr));
      SAYS("GPUC_TUNING=0 turns it off");
      CHECK(tuning_json().find("\"choices\": []") != std::string::npos);
    }
    const Environment nowhere("GPUC_TUNING", "/dev/null/nowhere");
    const gpuc_tune_options options = hasty_tune_options();
    // documented: gpuc_tune GPUC_ERROR_FILE
    FAILS(GPUC_ERROR_FILE, gpuc_tune(runtime().queue, &options));
    SAYS("cannot be written");

    // A disk that is full from here on.
    const TuningFolder folder;
    OK(gpuc_tune(runtime().queue, &options));
    struct rlimit before {};
    REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
    struct rlimit none = before;
    none.rlim_cur = 0;
    int32_t removed = 7;
    const auto reset_on_a_full_disk = [&] {
      REQUIRE(setrlimit(RLIMIT_FSIZE, &none) == 0);
      const gpuc_status status = gpuc_tuning_reset(runtime().device, &removed);
      REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
      return status;
    };
    // documented: gpuc_tuning_reset GPUC_ERROR_FILE
    FAILS(GPUC_ERROR_FILE, reset_on_a_full_disk());
    SAYS("cannot be written");
    CHECK(removed == 0);
    OK(gpuc_tuning_reset(runtime().device, &removed));
    CHECK(removed == 1);
  }
}
