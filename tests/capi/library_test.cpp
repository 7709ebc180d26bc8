// Versions, names, element types, the log.
#include "support.hpp"

#include <mutex>
#include <set>

using namespace capi_test;

namespace {

struct Log {
  std::mutex mutex;
  std::vector<std::string> messages;
  gpuc_status inside = GPUC_OK;
};

void collect(void *user_data, gpuc_log_level level, const char *message) {
  auto &log = *static_cast<Log *>(user_data);
  // The library may be called from here.
  gpuc_device *device = nullptr;
  const gpuc_status status = gpuc_device_select(nullptr, &device);
  gpuc_device_release(device);
  const std::lock_guard<std::mutex> lock(log.mutex);
  if (level < GPUC_LOG_WARNING || level > GPUC_LOG_DEBUG || !message) log.inside = GPUC_ERROR_INTERNAL;
  if (status != GPUC_OK) log.inside = status;
  log.messages.emplace_back(message);
}

}  // namespace

TEST_SUITE("library") {
  TEST_CASE("version") {
    CHECK(gpuc_version() == GPUC_VERSION_MAJOR * 1000000 + GPUC_VERSION_MINOR * 1000 + GPUC_VERSION_PATCH);
    CHECK(std::string(gpuc_version_string()) == std::to_string(GPUC_VERSION_MAJOR) + "." +
                                                    std::to_string(GPUC_VERSION_MINOR) + "." +
                                                    std::to_string(GPUC_VERSION_PATCH));
  }

  TEST_CASE("names of OpenCL codes") {
    CHECK(std::string(gpuc_cl_code_name(0)) == "CL_SUCCESS");
    CHECK(std::string(gpuc_cl_code_name(-5)) == "CL_OUT_OF_RESOURCES");
    CHECK(std::string(gpuc_cl_code_name(-1001)) == "CL_PLATFORM_NOT_FOUND_KHR");
    CHECK(std::string(gpuc_cl_code_name(-123456)) == "CL_UNKNOWN_ERROR");
    CHECK(std::string(gpuc_cl_code_name(INT32_MIN)) == "CL_UNKNOWN_ERROR");
    std::set<std::string> names;
    for (int32_t code = 0; code >= -72; --code) {
      const std::string name = gpuc_cl_code_name(code);
      const bool hole = code < -19 && code > -30;
      CHECK_MESSAGE((name == "CL_UNKNOWN_ERROR") == hole, code << " is " << name);
      if (!hole) CHECK(names.insert(name).second);
    }
  }

  TEST_CASE("sizes of element types") {
    const size_t sizes[] = {0, 1, 1, 2, 2, 4, 4, 8, 8, 2, 4, 8, 8, 16, 2, 1, 1, 1};
    for (gpuc_type type = GPUC_TYPE_NONE; type <= GPUC_TYPE_BOOL; ++type)
      CHECK(gpuc_type_size_bytes(type) == sizes[type]);
    for (const gpuc_type type : {-1, 18, 1000, INT32_MIN, INT32_MAX}) CHECK(gpuc_type_size_bytes(type) == 0);
  }

  TEST_CASE("log") {
    // documented: gpuc_log_set GPUC_ERROR_INVALID_ARGUMENT
    for (const gpuc_log_level level : {-1, 4, INT32_MAX})
      FAILS(GPUC_ERROR_INVALID_ARGUMENT, gpuc_log_set(nullptr, nullptr, level));
    SAYS("level is ");
    Log log;
    const Context context = another_context();
    CHECK(named(gpuc_log_set(collect, &log, GPUC_LOG_DEBUG)) == "GPUC_OK");
    OK(gpuc_context_trim(context, nullptr));
    const size_t said = log.messages.size();
    CHECK(said >= 1);
    CHECK(named(log.inside) == "GPUC_OK");
    CHECK(named(gpuc_log_set(collect, &log, GPUC_LOG_WARNING)) == "GPUC_OK");
    OK(gpuc_context_trim(context, nullptr));
    CHECK(log.messages.size() == said);
    CHECK(named(gpuc_log_set(nullptr, nullptr, GPUC_LOG_DEBUG)) == "GPUC_OK");
    OK(gpuc_context_trim(context, nullptr));
    CHECK(log.messages.size() == said);
  }
}
