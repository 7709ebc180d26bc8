// Selection of devices by filter text. Grammar: gpucompute.h, at gpuc_device_select.
#include <gpucompute/device.hpp>
#include <gpucompute/platform.hpp>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <optional>

#include "runtime/quirks.hpp"
#include "support/fail.hpp"

namespace gpucompute {
namespace {

struct Filter {
  std::string text;
  std::vector<std::string> substrings;
  std::optional<DeviceType> type;
  std::optional<std::size_t> index;
};

std::string lower(std::string value) {
  std::transform(value.begin(), value.end(), value.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return value;
}

std::string trimmed(const std::string &value) {
  const std::size_t first = value.find_first_not_of(" \t");
  return first == std::string::npos ? "" : value.substr(first, value.find_last_not_of(" \t") - first + 1);
}

Filter parse(const std::string &text) {
  Filter filter;
  filter.text = text;
  if (trimmed(text).empty()) return filter;
  std::size_t parts = 0;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(':', start), text.size());
    const std::string part = lower(trimmed(text.substr(start, end - start)));
    start = end + 1;
    if (part.empty())
      fail(Status::invalid_argument, "device filter '", text, "' has an empty part; write for example 'nvidia:gpu:0'");
    if (++parts > 4) fail(Status::invalid_argument, "device filter '", text, "' has more than 4 parts");
    if (part.find_first_not_of("0123456789") == std::string::npos) {
      if (filter.index) fail(Status::invalid_argument, "device filter '", text, "' has two indices");
      if (part.size() > 6)
        fail(Status::invalid_argument, "device filter '", text, "' has an index out of all proportion");
      filter.index = static_cast<std::size_t>(std::strtoul(part.c_str(), nullptr, 10));
    } else if (part == "cpu" || part == "gpu" || part == "accelerator") {
      if (filter.type) fail(Status::invalid_argument, "device filter '", text, "' has two types");
      filter.type = part == "cpu" ? DeviceType::cpu : part == "gpu" ? DeviceType::gpu : DeviceType::accelerator;
    } else {
      filter.substrings.push_back(part);
    }
  }
  return filter;
}

bool matches(const Device &device, const Filter &filter) {
  if (filter.type && device.info().type != *filter.type) return false;
  const DeviceInfo &info = device.info();
  const PlatformInfo &platform = device.platform().info();
  const std::string haystack = lower(platform.name + "\n" + platform.vendor + "\n" + platform.version + "\n" +
                                     info.vendor + "\n" + info.name + "\n" + info.driver_version);
  return std::all_of(filter.substrings.begin(), filter.substrings.end(),
                     [&](const std::string &part) { return haystack.find(part) != std::string::npos; });
}

// Higher is better.
int rank(const Device &device) {
  if (quirks_of(device).checker) return -1;
  int value = 0;
  switch (device.info().type) {
    case DeviceType::gpu:
      value = device.info().unified_memory ? 30 : 40;
      break;
    case DeviceType::accelerator:
      value = 20;
      break;
    case DeviceType::cpu:
      value = 10;
      break;
    case DeviceType::custom:
      value = 0;
      break;
  }
  return device.info().available && device.info().compiler_available ? value : value - 100;
}

using DeviceList = std::vector<std::shared_ptr<Device>>;

DeviceList all_devices() {
  DeviceList list;
  for (const auto &platform : platforms())
    list.insert(list.end(), platform->devices().begin(), platform->devices().end());
  std::stable_sort(list.begin(), list.end(), [](const auto &a, const auto &b) {
    const int ra = rank(*a), rb = rank(*b);
    if (ra != rb) return ra > rb;
    return a->info().compute_units * a->info().clock_mhz > b->info().compute_units * b->info().clock_mhz;
  });
  return list;
}

DeviceList filtered(const DeviceList &list, const Filter &filter) {
  DeviceList result;
  std::copy_if(list.begin(), list.end(), std::back_inserter(result),
               [&](const auto &device) { return matches(*device, filter); });
  return result;
}

std::string environment(const char *name) {
  const char *value = std::getenv(name);
  return value ? trimmed(value) : "";
}

std::string listing(const DeviceList &list) {
  if (list.empty()) return "there is no device at all";
  std::string result = "there is";
  const char *separator = " ";
  for (const auto &device : list) {
    result += separator + ("'" + device->info().name + "' of ") + device->platform().info().name;
    separator = ", ";
  }
  return result;
}

// One device of `list`, as the filter's index or the first.
std::shared_ptr<Device> pick(const DeviceList &list, const Filter &filter, const char *origin) {
  const DeviceList found = filtered(list, filter);
  const std::size_t index = filter.index.value_or(0);
  if (index < found.size()) return found[index];
  if (found.empty()) fail(Status::no_device, origin, " '", filter.text, "' lets no device through: ", listing(list));
  fail(Status::no_device, origin, " '", filter.text, "' asks for device ", index, ", but only ", found.size(),
       " fit it: ", listing(found));
}

bool enforced() {
  const std::string value = environment("GPUC_DEVICE_ENFORCE");
  return !value.empty() && value != "0";
}

DeviceList visible_devices() {
  DeviceList list = all_devices();
  if (!enforced()) return list;
  const Filter filter = parse(environment("GPUC_DEVICE"));
  if (filter.text.empty()) fail(Status::no_device, "GPUC_DEVICE_ENFORCE is set but GPUC_DEVICE is not");
  if (filter.index) return {pick(list, filter, "GPUC_DEVICE")};
  DeviceList result = filtered(list, filter);
  if (result.empty())
    fail(Status::no_device, "GPUC_DEVICE '", filter.text, "' lets no device through: ", listing(list));
  return result;
}

}  // namespace

std::vector<std::shared_ptr<Device>> list_devices(const std::string &text) {
  const Filter filter = parse(text);
  if (filter.index)
    fail(Status::invalid_argument, "device filter '", text,
         "' has an index, which selects one device; a list takes none");
  const DeviceList list = visible_devices();
  DeviceList result = filtered(list, filter);
  if (result.empty()) fail(Status::no_device, "device filter '", text, "' lets no device through: ", listing(list));
  return result;
}

std::shared_ptr<Device> select_device(const std::string &text) {
  const Filter filter = parse(text);
  const DeviceList list = visible_devices();
  if (!filter.text.empty()) return pick(list, filter, "device filter");
  const std::string by_environment = environment("GPUC_DEVICE");
  if (!by_environment.empty() && !enforced()) return pick(list, parse(by_environment), "GPUC_DEVICE");
  if (list.empty()) fail(Status::no_device, "no OpenCL platform has a device; gpuc_doctor() tells what was looked at");
  return list.front();
}

std::shared_ptr<Device> find_device(cl_device_id native) {
  for (const auto &platform : platforms())
    for (const auto &device : platform->devices())
      if (device->native() == native) return device;
  fail(Status::no_device, "no listed device has this cl_device_id (sub-devices are not supported)");
}

}  // namespace gpucompute
