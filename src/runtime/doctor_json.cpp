#include <string>

#include "runtime/doctor_parts.hpp"
#include "support/json_writer.hpp"

namespace gpucompute {
namespace {

std::string octal(std::uint32_t mode) {
  std::string digits(4, '0');
  for (std::size_t i = digits.size(); i > 0; --i, mode >>= 3U) {
    digits[i - 1] = static_cast<char>('0' + (mode & 7U));
  }
  return digits;
}

void write_library(JsonWriter &json, const DoctorLibrary &library) {
  json.object([&] {
    json.field("name", library.name);
    json.field("path", library.path);
    json.field("loads", library.loads);
    json.field("already_loaded", library.already_loaded);
    json.field("exports_icd", library.exports_icd);
    json.field("exports_layer", library.exports_layer);
    json.field("error", library.error);
    if (library.platforms_queried) {
      json.field("platforms_status", library.platforms_status);
      json.field("platform_count", library.platform_count);
    } else {
      json.field("platforms_status", nullptr);
      json.field("platform_count", nullptr);
    }
  });
}

void write_device(JsonWriter &json, const DoctorDevice &device) {
  json.object([&] {
    json.field("name", device.name);
    json.field("vendor", device.vendor);
    json.field("version", device.version);
    json.field("driver_version", device.driver_version);
    json.field("type", device.type);
    json.field("available", device.available);
    json.field("global_memory_bytes", device.global_memory_bytes);
    json.field("max_allocation_bytes", device.max_allocation_bytes);
    json.field("compute_unit_count", device.compute_unit_count);
  });
}

void write_platform(JsonWriter &json, const DoctorPlatform &platform) {
  json.object([&] {
    json.field("name", platform.name);
    json.field("vendor", platform.vendor);
    json.field("version", platform.version);
    json.field("library", platform.library);
    json.field("devices_status", platform.devices_status);
    json.list_field("devices", platform.devices, [&](const DoctorDevice &device) { write_device(json, device); });
  });
}

void write_fields(JsonWriter &json, const DoctorCache &cache) {
  json.field("path", cache.path);
  json.field("origin", cache.origin);
  json.field("exists", cache.exists);
  json.field("is_symlink", cache.is_symlink);
  json.field("writable", cache.writable);
  json.field("owned", cache.owned);
  if (cache.exists)
    json.field("mode", octal(cache.mode));
  else
    json.field("mode", nullptr);
  json.field("error", cache.error);
  json.field("refused", cache.refused);
}

void write_fields(JsonWriter &json, const DoctorReport &report) {
  const auto library = [&](const DoctorLibrary &one) { write_library(json, one); };
  json.field("schema", 1);
  json.field("verdict", verdict(report));
  json.field("library_version", report.library_version);
  json.field("system", report.system);
  json.field("container", report.container);
  json.field("nvidia_kernel_driver", report.nvidia_kernel_driver);
  json.object_field("user", [&] {
    json.field("name", report.user.name);
    json.field("user_id", report.user.user_id);
    json.list_field("groups", report.user.groups, [&](const auto &group) { json.value(group); });
    json.list_field("account_groups", report.user.account_groups, [&](const auto &group) { json.value(group); });
  });
  json.object_field("loader", [&] {
    json.field("path", report.loader.path);
    json.field("kind", report.loader.kind);
    json.field("name", report.loader.name);
    json.field("vendor", report.loader.vendor);
    json.field("version", report.loader.version);
    json.field("opencl_version", report.loader.opencl_version);
  });
  json.list_field("places", report.places, [&](const DoctorPlace &place) {
    json.object([&] {
      json.field("origin", place.origin);
      json.field("path", place.path);
      json.field("kind", place.kind);
      json.field("used", place.used);
      json.field("icd_count", place.icd_count);
      json.field("error", place.error);
    });
  });
  json.list_field("icds", report.icds, [&](const DoctorIcd &icd) {
    json.object([&] {
      json.field("file", icd.file);
      json.field("origin", icd.origin);
      json.field("library", icd.library);
      json.field("error", icd.error);
      if (icd.loaded.name.empty())
        json.field("loaded", nullptr);
      else
        json.field("loaded", [&] { library(icd.loaded); });
    });
  });
  json.list_field("layers", report.layers, library);
  json.list_field("libraries", report.libraries, library);
  json.object_field("environment", [&] {
    for (const DoctorVariable &variable : report.environment) json.field(variable.name, variable.value);
  });
  json.list_field("nodes", report.nodes, [&](const DoctorNode &node) {
    json.object([&] {
      json.field("path", node.path);
      json.field("mode", octal(node.mode));
      json.field("owner", node.owner);
      json.field("group", node.group);
      json.field("group_id", node.group_id);
      json.field("readable", node.readable);
      json.field("writable", node.writable);
      json.field("error", node.error);
    });
  });
  json.list_field("pci", report.pci, [&](const DoctorPciDevice &device) {
    json.object([&] {
      json.field("address", device.address);
      json.field("class_code", device.class_code);
      json.field("vendor_id", device.vendor_id);
      json.field("device_id", device.device_id);
      json.field("vendor", device.vendor);
      json.field("driver", device.driver);
    });
  });
  json.field("opencl_queried", report.opencl_queried);
  json.field("not_queried", report.not_queried);
  if (report.opencl_queried)
    json.field("platforms_status", report.platforms_status);
  else
    json.field("platforms_status", nullptr);
  json.list_field("platforms", report.platforms,
                  [&](const DoctorPlatform &platform) { write_platform(json, platform); });
  json.list_field("failed_calls", report.failed_calls, [&](const DoctorCall &call) {
    json.object([&] {
      json.field("routine", call.routine);
      json.field("subject", call.subject);
      json.field("cl_code", call.cl_code);
    });
  });
  json.object_field("cache", [&] { write_fields(json, report.cache); });
  json.object_field("pocl_cache", [&] {
    json.field("path", report.pocl_cache.path);
    json.field("writable", report.pocl_cache.writable);
    json.field("error", report.pocl_cache.error);
  });
  json.list_field("problems", report.problems, [&](const DoctorProblem &problem) {
    json.object([&] {
      json.field("severity", severity_name(problem.severity));
      json.field("code", problem.code);
      json.field("what", problem.what);
      json.field("fix", problem.fix);
    });
  });
}

}  // namespace

std::string to_json(const DoctorReport &report) {
  JsonWriter json;
  json.object([&] { write_fields(json, report); });
  return json.take();
}

}  // namespace gpucompute
