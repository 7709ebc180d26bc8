#define CL_USE_DEPRECATED_OPENCL_1_1_APIS  // clGetExtensionFunctionAddress: the loader has no per-platform way to be
                                           // asked
#include <CL/cl.h>
#include <dlfcn.h>
#include <link.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "runtime/doctor_parts.hpp"

namespace gpucompute::doctor {
namespace {

// The extension cl_loader_info, which ocl-icd and Khronos' loader share; older headers lack it.
using LoaderInfo = cl_int(CL_API_CALL *)(cl_uint, std::size_t, void *, std::size_t *);
constexpr cl_uint loader_opencl_version = 1;
constexpr cl_uint loader_version = 2;
constexpr cl_uint loader_name = 3;
constexpr cl_uint loader_vendor = 4;

using GetPlatforms = cl_int(CL_API_CALL *)(cl_uint, cl_platform_id *, cl_uint *);
using GetAddress = void *(CL_API_CALL *)(const char *);

template <class Function>
Function as_function(void *address) {
  Function function = nullptr;
  static_assert(sizeof function == sizeof address, "POSIX promises this");
  std::memcpy(&function, &address, sizeof function);
  return function;
}

// libOpenCL's own address: in a program that is not position-independent, &clGetPlatformIDs is a stub in the program.
void *loader_address() {
  void *address = dlsym(RTLD_DEFAULT, "clGetPlatformIDs");
  if (address == nullptr) {
    const auto function = &clGetPlatformIDs;
    std::memcpy(&address, &function, sizeof address);
  }
  return address;
}

std::string file_of(const void *address) {
  Dl_info info{};
  return dladdr(address, &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : "";
}

std::string loader_path() { return file_of(loader_address()); }

std::string ask_loader(LoaderInfo query, cl_uint property) {
  char value[256] = {};
  return query(property, sizeof value - 1, value, nullptr) == CL_SUCCESS ? value : "";
}

std::string mapped_path(void *handle) {
  link_map *map = nullptr;
  return dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && map != nullptr && map->l_name != nullptr ? map->l_name : "";
}

std::string last_load_error() {
  const char *message = dlerror();
  return message != nullptr ? message : "the dynamic loader gave no reason";
}

// An own reference to a library, dropped at the end unless the library has to stay.
class Handle {
 public:
  explicit Handle(void *handle) : handle_(handle) {}
  Handle(const Handle &) = delete;
  Handle &operator=(const Handle &) = delete;
  ~Handle() {
    if (handle_ != nullptr) {
      dlclose(handle_);
    }
  }
  void *get() const { return handle_; }
  void keep() { handle_ = nullptr; }

 private:
  void *handle_;
};

bool exists(const std::string &real_path) {
  struct stat info {};
  return stat(real_path.c_str(), &info) == 0;
}

bool is_directory(const std::string &real_path) {
  struct stat info {};
  return stat(real_path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool has_slash(const std::string &path) { return path.find('/') != std::string::npos; }

DoctorPlace directory_place(const DoctorProbe &probe, const std::string &origin, const std::string &path, bool used) {
  DoctorPlace place;
  place.origin = origin;
  place.path = path;
  place.used = used;
  if (const auto names = list_directory(under(probe.root, path), place.error)) {
    place.kind = "directory";
    place.icd_count = static_cast<std::uint32_t>(
        std::count_if(names->begin(), names->end(), [](const std::string &name) { return ends_with(name, ".icd"); }));
  } else {
    place.kind = exists(under(probe.root, path)) ? "directory" : "missing";
  }
  return place;
}

// OCL_ICD_VENDORS: a directory for both loaders; for ocl-icd also an .icd file or a library.
DoctorPlace vendors_place(const DoctorProbe &probe, const std::string &value, const std::string &vendor_directory,
                          bool directory_only) {
  const std::string real_path = under(probe.root, value);
  if (directory_only || is_directory(real_path)) {
    return directory_place(probe, "OCL_ICD_VENDORS", value, true);
  }
  DoctorPlace place;
  place.origin = "OCL_ICD_VENDORS";
  place.path = value;
  if (ends_with(value, ".icd")) {
    const std::string beside = vendor_directory + "/" + value;
    if (!has_slash(value) && exists(under(probe.root, beside))) {
      place.path = beside;
    }
    place.kind = exists(under(probe.root, place.path)) ? "icd_file" : "missing";
  } else {
    place.kind = !has_slash(value) || exists(real_path) ? "library" : "missing";
  }
  if (place.kind == "missing") {
    place.error = system_error(ENOENT);
  }
  return place;
}

DoctorIcd read_icd(const DoctorProbe &probe, const std::string &origin, const std::string &path) {
  DoctorIcd icd;
  icd.file = path;
  icd.origin = origin;
  if (const auto content = read_file(under(probe.root, path), 4096, icd.error)) {
    icd.library = content->substr(0, std::min(content->find('\n'), content->find('\0')));
  }
  return icd;
}

}  // namespace

DoctorLoader describe_loader(bool query_opencl) {
  DoctorLoader loader;
  loader.path = loader_path();
  loader.kind = "unknown";
  // The call through the loader starts it, which a forked child must not do.
  auto query = as_function<LoaderInfo>(dlsym(RTLD_DEFAULT, "clGetICDLoaderInfoOCLICD"));
  if (query == nullptr && query_opencl) {
    query = as_function<LoaderInfo>(clGetExtensionFunctionAddress("clGetICDLoaderInfoOCLICD"));
  }
  if (query != nullptr) {
    loader.name = ask_loader(query, loader_name);
    loader.vendor = ask_loader(query, loader_vendor);
    loader.version = ask_loader(query, loader_version);
    loader.opencl_version = ask_loader(query, loader_opencl_version);
    if (contains_text(loader.vendor + loader.name, "khronos")) {
      loader.kind = "khronos";
    } else if (contains_text(loader.vendor + loader.name, "ocl icd") ||
               contains_text(loader.vendor + loader.name, "ocl-icd")) {
      loader.kind = "ocl-icd";
    }
  }
  return loader;
}

std::vector<DoctorPlace> find_places(const DoctorProbe &probe, const Environment &environment,
                                     const std::string &loader_kind) {
  std::vector<DoctorPlace> places;
  std::string vendor_directory = "/etc/OpenCL/vendors";
  std::string origin = "default";
  const std::string vendors = value_of(environment, "OCL_ICD_VENDORS");
  const bool vendors_set = loader_kind == "khronos" ? is_set(environment, "OCL_ICD_VENDORS") : !vendors.empty();
  if (const std::string path = value_of(environment, "OPENCL_VENDOR_PATH"); !path.empty()) {
    if (loader_kind == "khronos") {
      places.push_back(directory_place(probe, "OPENCL_VENDOR_PATH", path, false));
    } else {
      places.push_back(directory_place(probe, origin, vendor_directory, false));
      vendor_directory = path;
      origin = "OPENCL_VENDOR_PATH";
    }
  }
  places.push_back(directory_place(probe, origin, vendor_directory, !vendors_set));
  if (vendors_set) {
    places.push_back(vendors_place(probe, vendors, vendor_directory, loader_kind == "khronos"));
  }
  for (const std::string &library : split(value_of(environment, "OCL_ICD_FILENAMES"), ':')) {
    DoctorPlace place;
    place.origin = "OCL_ICD_FILENAMES";
    place.path = library;
    place.kind = has_slash(library) && !exists(under(probe.root, library)) ? "missing" : "library";
    place.used = loader_kind != "ocl-icd";
    place.error = place.kind == "missing" ? system_error(ENOENT) : "";
    places.push_back(place);
  }
  return places;
}

std::vector<DoctorIcd> read_icds(const DoctorProbe &probe, const std::vector<DoctorPlace> &places) {
  std::vector<DoctorIcd> icds;
  for (const DoctorPlace &place : places) {
    if (!place.used || place.kind == "missing") {
      continue;
    }
    if (place.kind == "icd_file") {
      icds.push_back(read_icd(probe, place.origin, place.path));
    } else if (place.kind == "library") {
      DoctorIcd icd;
      icd.origin = place.origin;
      icd.library = place.path;
      icds.push_back(icd);
    } else {
      std::string error;
      const auto names = list_directory(under(probe.root, place.path), error);
      for (const std::string &name : names.value_or(std::vector<std::string>())) {
        if (ends_with(name, ".icd")) {
          icds.push_back(read_icd(probe, place.origin, place.path + (ends_with(place.path, "/") ? "" : "/") + name));
        }
      }
    }
  }
  return icds;
}

LoadedDriver load(const DoctorProbe &probe, const std::string &name, bool ask_platforms) {
  LoadedDriver driver;
  DoctorLibrary &library = driver.library;
  if (probe.load_library) {
    library = probe.load_library(name);
    library.name = name;
    return driver;
  }
  library.name = name;
  const std::string real_name = under(probe.root, name);
  // The driver that already runs is only looked up; loading anything else is what the loader did or would do.
  void *raw = dlopen(real_name.c_str(), RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD);
  library.already_loaded = raw != nullptr;
  if (raw == nullptr) {
    raw = dlopen(real_name.c_str(), RTLD_LAZY | RTLD_LOCAL);
  }
  if (raw == nullptr) {
    library.error = last_load_error();
    if (starts_with(library.error, real_name)) {
      library.error.replace(0, real_name.size(), name);
    }
    return driver;
  }
  Handle handle(raw);
  library.loads = true;
  library.path = mapped_path(handle.get());
  void *entry = dlsym(handle.get(), "clIcdGetPlatformIDsKHR");
  library.exports_icd = entry != nullptr;
  library.exports_layer =
      dlsym(handle.get(), "clGetLayerInfo") != nullptr && dlsym(handle.get(), "clInitLayer") != nullptr;
  // The loader itself must not be asked: it would call itself.
  if (library.path == loader_path()) {
    return driver;
  }
  // A few drivers hand the entry point out only by name. A lookup in a library that links libOpenCL finds the loader's.
  void *by_name = entry == nullptr ? dlsym(handle.get(), "clGetExtensionFunctionAddress") : nullptr;
  const bool own_lookup = by_name != nullptr && file_of(by_name) != loader_path();
  if (!ask_platforms) {
    library.exports_icd = entry != nullptr || own_lookup;
    return driver;
  }
  if (!library.already_loaded && (entry != nullptr || own_lookup)) {
    handle.keep();  // a driver that has run may have threads: it stays, once, since the next time it is found loaded
  }
  if (own_lookup) {
    entry = as_function<GetAddress>(by_name)("clIcdGetPlatformIDsKHR");
    library.exports_icd = entry != nullptr;
  }
  if (entry != nullptr) {
    const auto get_platforms = as_function<GetPlatforms>(entry);
    cl_uint count = 0;
    library.platforms_queried = true;
    library.platforms_status = get_platforms(0, nullptr, &count);
    if (library.platforms_status == CL_SUCCESS && count != 0) {
      std::vector<cl_platform_id> platforms(std::min<cl_uint>(count, 1024));
      library.platforms_status = get_platforms(static_cast<cl_uint>(platforms.size()), platforms.data(), nullptr);
      if (library.platforms_status == CL_SUCCESS) {
        library.platform_count = static_cast<std::uint32_t>(platforms.size());
        driver.platforms.assign(platforms.begin(), platforms.end());
      }
    }
  }
  return driver;
}

}  // namespace gpucompute::doctor
