#include <gpucompute/tuning.hpp>

#include "args.hpp"

using namespace gpucompute;
using namespace gpucompute::capi;

namespace {

constexpr std::size_t first_options_size = 32;

gpuc_tune_options default_options() {
  const TuneOptions defaults;
  gpuc_tune_options options{};
  options.max_size = static_cast<std::uint32_t>(defaults.max_size);
  options.seconds = defaults.seconds;
  return options;
}

}  // namespace

gpuc_status gpuc_tune_options_init(gpuc_tune_options *options, size_t struct_size) {
  return guard([&] { init_struct(options, struct_size, first_options_size, default_options(), "options"); });
}

gpuc_status gpuc_tune(gpuc_queue *queue, const gpuc_tune_options *options) {
  return guard([&] {
    const Pinned queue_(queue, "queue");
    const gpuc_tune_options given =
        options ? read_struct(options, first_options_size, default_options(), "options", 0) : default_options();
    TuneOptions wanted;
    wanted.type = static_cast<DataType>(given.type);
    wanted.backend = optional_text(given.backend);
    wanted.seconds = given.seconds;
    wanted.max_size = given.max_size;
    tune(*queue_, wanted);
  });
}

gpuc_status gpuc_tuning_get_json(gpuc_device *device, char *buf, size_t capacity, size_t *out_needed) {
  return guard([&] { text_out(tuning_json(*Pinned(device, "device")), buf, capacity, out_needed); });
}

gpuc_status gpuc_tuning_reset(gpuc_device *device, int32_t *out_removed) {
  if (out_removed) *out_removed = 0;
  return guard([&] {
    const bool removed = reset_tuning(*Pinned(device, "device"));
    if (out_removed) *out_removed = removed;
  });
}

gpuc_status gpuc_tuning_get_directory(char *buf, size_t capacity, size_t *out_needed) {
  return guard([&] { text_out(tuning_directory(), buf, capacity, out_needed); });
}
