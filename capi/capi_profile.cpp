#include "args.hpp"

using namespace gpucompute;
using namespace gpucompute::capi;

namespace {

constexpr std::size_t first_options_size = 16;

#define GPUC_SAME(name, value) static_assert(static_cast<int>(Operation::name) == (value), #value)
GPUC_SAME(kernel, GPUC_OPERATION_KERNEL);
GPUC_SAME(gemm, GPUC_OPERATION_GEMM);
GPUC_SAME(write, GPUC_OPERATION_WRITE);
GPUC_SAME(read, GPUC_OPERATION_READ);
GPUC_SAME(copy, GPUC_OPERATION_COPY);
GPUC_SAME(fill, GPUC_OPERATION_FILL);
GPUC_SAME(map, GPUC_OPERATION_MAP);
GPUC_SAME(unmap, GPUC_OPERATION_UNMAP);
GPUC_SAME(marker, GPUC_OPERATION_MARKER);
GPUC_SAME(barrier, GPUC_OPERATION_BARRIER);
GPUC_SAME(build, GPUC_OPERATION_BUILD);
#undef GPUC_SAME
static_assert(static_cast<int>(ProfileClock::device) == GPUC_CLOCK_DEVICE &&
              static_cast<int>(ProfileClock::host) == GPUC_CLOCK_HOST);

gpuc_profile_options default_options() {
  gpuc_profile_options options{};
  options.max_records = Profile::default_max_records;
  return options;
}

template <class Item>
const Item &item(const std::vector<Item> &items, std::size_t index, const char *what) {
  if (index >= items.size())
    fail(Status::out_of_range, what, " is ", index, ", the profile has ", items.size(), " ", what, "s");
  return items[index];
}

[[noreturn]] void fail_key(std::int32_t key, const char *type) {
  fail(Status::invalid_argument, "key is ", key, ", which is not a ", type);
}

std::uint64_t number_of(const ProfileRow &row, gpuc_row_number key) {
  switch (key) {
    case GPUC_ROW_OPERATION:
      return static_cast<std::uint64_t>(row.operation);
    case GPUC_ROW_COUNT:
      return row.count;
    case GPUC_ROW_TIMED:
      return row.timed;
    case GPUC_ROW_FAILED:
      return row.failed;
    case GPUC_ROW_CLOCK:
      return static_cast<std::uint64_t>(row.clock);
    case GPUC_ROW_TOTAL_NS:
      return row.total_ns;
    case GPUC_ROW_MIN_NS:
      return row.min_ns;
    case GPUC_ROW_MEAN_NS:
      return row.timed ? row.total_ns / row.timed : 0;
    case GPUC_ROW_MAX_NS:
      return row.max_ns;
    case GPUC_ROW_BYTES:
      return row.bytes;
    case GPUC_ROW_TIMED_BYTES:
      return row.timed_bytes;
    case GPUC_ROW_HOST_NS:
      return row.host_ns;
    default:
      fail_key(key, "gpuc_row_number");
  }
}

std::uint64_t number_of(const ProfileRecord &record, gpuc_record_number key) {
  switch (key) {
    case GPUC_RECORD_OPERATION:
      return static_cast<std::uint64_t>(record.operation);
    case GPUC_RECORD_QUEUE:
      return record.queue ? record.queue->number : 0;
    case GPUC_RECORD_THREAD:
      return static_cast<std::uint64_t>(record.thread);
    case GPUC_RECORD_CALL_BEGIN_NS:
      return record.call_begin_ns;
    case GPUC_RECORD_CALL_END_NS:
      return record.call_end_ns;
    case GPUC_RECORD_CLOCK:
      return static_cast<std::uint64_t>(record.clock);
    case GPUC_RECORD_BEGIN_NS:
      return record.begin_ns;
    case GPUC_RECORD_END_NS:
      return record.end_ns;
    case GPUC_RECORD_DURATION_NS:
      return record.duration_ns;
    case GPUC_RECORD_BYTES:
      return record.bytes;
    case GPUC_RECORD_CL_CODE:
      return static_cast<std::uint64_t>(static_cast<std::int64_t>(record.code));
    case GPUC_RECORD_DIMS:
      return record.dims;
    case GPUC_RECORD_GLOBAL_X:
    case GPUC_RECORD_GLOBAL_Y:
    case GPUC_RECORD_GLOBAL_Z:
      return record.global[key - GPUC_RECORD_GLOBAL_X];
    case GPUC_RECORD_LOCAL_X:
    case GPUC_RECORD_LOCAL_Y:
    case GPUC_RECORD_LOCAL_Z:
      return record.local[key - GPUC_RECORD_LOCAL_X];
    default:
      fail_key(key, "gpuc_record_number");
  }
}

}  // namespace

gpuc_status gpuc_profile_options_init(gpuc_profile_options *options, size_t struct_size) {
  return guard([&] { init_struct(options, struct_size, first_options_size, default_options(), "options"); });
}

gpuc_status gpuc_profile_start(const gpuc_profile_options *options, gpuc_profile **out_profile) {
  clear_out(out_profile);
  return guard([&] {
    gpuc_profile *&out = need_out(out_profile, "out_profile");
    const gpuc_profile_options o =
        options ? read_struct(options, first_options_size, default_options(), "options", 0) : default_options();
    out = give_new<gpuc_profile>(Profile::start(o.max_records));
  });
}

gpuc_status gpuc_profile_stop(gpuc_profile *profile, uint64_t timeout_ns) {
  return guard([&] { Pinned(profile, "profile")->stop(timeout_ns); });
}

gpuc_status gpuc_profile_get_number(gpuc_profile *profile, gpuc_profile_number key, uint64_t *out_value) {
  return guard([&] {
    need(out_value, "out_value");
    const Pinned profile_(profile, "profile");
    switch (key) {
      case GPUC_PROFILE_ROWS:
        *out_value = profile_->rows().size();
        return;
      case GPUC_PROFILE_RECORDS:
        *out_value = profile_->records().size();
        return;
      case GPUC_PROFILE_DROPPED:
        *out_value = profile_->dropped();
        return;
      case GPUC_PROFILE_UNFINISHED:
        *out_value = profile_->unfinished();
        return;
      case GPUC_PROFILE_DURATION_NS:
        *out_value = profile_->duration_ns();
        return;
      default:
        fail_key(key, "gpuc_profile_number");
    }
  });
}

gpuc_status gpuc_profile_get_row_number(gpuc_profile *profile, size_t row, gpuc_row_number key, uint64_t *out_value) {
  return guard([&] {
    need(out_value, "out_value");
    const Pinned profile_(profile, "profile");
    *out_value = number_of(item(profile_->rows(), row, "row"), key);
  });
}

gpuc_status gpuc_profile_get_row_string(gpuc_profile *profile, size_t row, gpuc_profile_string key, char *buf,
                                        size_t capacity, size_t *out_needed) {
  return guard([&] {
    const Pinned profile_(profile, "profile");
    const ProfileRow &found = item(profile_->rows(), row, "row");
    switch (key) {
      case GPUC_PROFILE_NAME:
        return text_out(found.name, buf, capacity, out_needed);
      case GPUC_PROFILE_OPERATION:
        return text_out(name_of(found.operation), buf, capacity, out_needed);
      case GPUC_PROFILE_DEVICE:
        return text_out(found.device, buf, capacity, out_needed);
      default:
        fail_key(key, "gpuc_profile_string of rows");
    }
  });
}

gpuc_status gpuc_profile_get_record_number(gpuc_profile *profile, size_t record, gpuc_record_number key,
                                           uint64_t *out_value) {
  return guard([&] {
    need(out_value, "out_value");
    const Pinned profile_(profile, "profile");
    *out_value = number_of(item(profile_->records(), record, "record"), key);
  });
}

gpuc_status gpuc_profile_get_record_string(gpuc_profile *profile, size_t record, gpuc_profile_string key, char *buf,
                                           size_t capacity, size_t *out_needed) {
  return guard([&] {
    const Pinned profile_(profile, "profile");
    const ProfileRecord &found = item(profile_->records(), record, "record");
    switch (key) {
      case GPUC_PROFILE_NAME:
        return text_out(found.name, buf, capacity, out_needed);
      case GPUC_PROFILE_OPERATION:
        return text_out(name_of(found.operation), buf, capacity, out_needed);
      case GPUC_PROFILE_DEVICE:
        return text_out(found.queue ? found.queue->device : std::string(), buf, capacity, out_needed);
      case GPUC_PROFILE_THREAD:
        return text_out(found.thread_name, buf, capacity, out_needed);
      default:
        fail_key(key, "gpuc_profile_string");
    }
  });
}

gpuc_status gpuc_profile_report(gpuc_profile *profile, char *buf, size_t capacity, size_t *out_needed) {
  return guard([&] { text_out(Pinned(profile, "profile")->report(), buf, capacity, out_needed); });
}

gpuc_status gpuc_profile_write_trace(gpuc_profile *profile, const char *path) {
  return guard([&] {
    const Pinned profile_(profile, "profile");
    profile_->write_trace(&need(path, "path"));
  });
}

gpuc_status gpuc_profile_retain(gpuc_profile *profile) {
  return guard([&] { retain(profile); });
}
void gpuc_profile_release(gpuc_profile *profile) { release(profile); }
