#include <nlohmann/json.hpp>

#include <string>

#include "runtime/doctor_parts.hpp"

namespace gpucompute {
namespace {

using Json = nlohmann::ordered_json;  // keeps the fields in the order of the documentation

std::string octal(std::uint32_t mode) {
  std::string digits(4, '0');
  for (std::size_t i = digits.size(); i-- > 0; mode >>= 3U) {
    digits[i] = static_cast<char>('0' + (mode & 7U));
  }
  return digits;
}

template <class Items, class Write>
Json list(const Items &items, Write write) {
  Json array = Json::array();
  for (const auto &item : items) {
    array.push_back(write(item));
  }
  return array;
}

Json library_json(const DoctorLibrary &library) {
  Json json = {{"name", library.name},
               {"path", library.path},
               {"loads", library.loads},
               {"already_loaded", library.already_loaded},
               {"exports_icd", library.exports_icd},
               {"exports_layer", library.exports_layer},
               {"error", library.error},
               {"platforms_status", nullptr},
               {"platform_count", nullptr}};
  if (library.platforms_queried) {
    json["platforms_status"] = library.platforms_status;
    json["platform_count"] = library.platform_count;
  }
  return json;
}

Json device_json(const DoctorDevice &device) {
  return {{"name", device.name},
          {"vendor", device.vendor},
          {"version", device.version},
          {"driver_version", device.driver_version},
          {"type", device.type},
          {"available", device.available},
          {"global_memory_bytes", device.global_memory_bytes},
          {"max_allocation_bytes", device.max_allocation_bytes},
          {"compute_unit_count", device.compute_unit_count}};
}

Json platform_json(const DoctorPlatform &platform) {
  return {{"name", platform.name},
          {"vendor", platform.vendor},
          {"version", platform.version},
          {"library", platform.library},
          {"devices_status", platform.devices_status},
          {"devices", list(platform.devices, device_json)}};
}

Json cache_json(const DoctorCache &cache) {
  return {{"path", cache.path},
          {"origin", cache.origin},
          {"exists", cache.exists},
          {"is_symlink", cache.is_symlink},
          {"writable", cache.writable},
          {"owned", cache.owned},
          {"mode", cache.exists ? Json(octal(cache.mode)) : Json()},
          {"error", cache.error},
          {"refused", cache.refused}};
}

}  // namespace

std::string to_json(const DoctorReport &report) {
  Json json;
  json["schema"] = 1;
  json["verdict"] = verdict(report);
  json["library_version"] = report.library_version;
  json["system"] = report.system;
  json["container"] = report.container;
  json["nvidia_kernel_driver"] = report.nvidia_kernel_driver;
  json["user"] = {{"name", report.user.name},
                  {"user_id", report.user.user_id},
                  {"groups", report.user.groups},
                  {"account_groups", report.user.account_groups}};
  json["loader"] = {{"path", report.loader.path},       {"kind", report.loader.kind},
                    {"name", report.loader.name},       {"vendor", report.loader.vendor},
                    {"version", report.loader.version}, {"opencl_version", report.loader.opencl_version}};
  json["places"] = list(report.places, [](const DoctorPlace &place) {
    return Json{{"origin", place.origin}, {"path", place.path},           {"kind", place.kind},
                {"used", place.used},     {"icd_count", place.icd_count}, {"error", place.error}};
  });
  json["icds"] = list(report.icds, [](const DoctorIcd &icd) {
    return Json{{"file", icd.file},
                {"origin", icd.origin},
                {"library", icd.library},
                {"error", icd.error},
                {"loaded", icd.loaded.name.empty() ? Json() : library_json(icd.loaded)}};
  });
  json["layers"] = list(report.layers, library_json);
  json["libraries"] = list(report.libraries, library_json);
  json["environment"] = Json::object();
  for (const DoctorVariable &variable : report.environment) {
    json["environment"][variable.name] = variable.value;
  }
  json["nodes"] = list(report.nodes, [](const DoctorNode &node) {
    return Json{{"path", node.path},         {"mode", octal(node.mode)},  {"owner", node.owner},
                {"group", node.group},       {"group_id", node.group_id}, {"readable", node.readable},
                {"writable", node.writable}, {"error", node.error}};
  });
  json["pci"] = list(report.pci, [](const DoctorPciDevice &device) {
    return Json{{"address", device.address},     {"class_code", device.class_code}, {"vendor_id", device.vendor_id},
                {"device_id", device.device_id}, {"vendor", device.vendor},         {"driver", device.driver}};
  });
  json["opencl_queried"] = report.opencl_queried;
  json["not_queried"] = report.not_queried;
  json["platforms_status"] = report.opencl_queried ? Json(report.platforms_status) : Json();
  json["platforms"] = list(report.platforms, platform_json);
  json["failed_calls"] = list(report.failed_calls, [](const DoctorCall &call) {
    return Json{{"routine", call.routine}, {"subject", call.subject}, {"cl_code", call.cl_code}};
  });
  json["cache"] = cache_json(report.cache);
  json["pocl_cache"] = {
      {"path", report.pocl_cache.path}, {"writable", report.pocl_cache.writable}, {"error", report.pocl_cache.error}};
  json["problems"] = list(report.problems, [](const DoctorProblem &problem) {
    return Json{{"severity", severity_name(problem.severity)},
                {"code", problem.code},
                {"what", problem.what},
                {"fix", problem.fix}};
  });
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace gpucompute
