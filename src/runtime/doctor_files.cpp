#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <system_error>

#include "runtime/doctor_parts.hpp"
#include "support/text.hpp"

namespace gpucompute::doctor {
namespace {

struct CloseDirectory {
  void operator()(DIR *directory) const noexcept { closedir(directory); }
};

std::string first_line(const std::string &content) { return content.substr(0, content.find('\n')); }

// A name from the account or group database, or the number as text: containers often lack the entry.
template <class Entry, class Lookup>
std::string name_of(unsigned id, Lookup lookup, char *Entry::*name) {
  std::vector<char> room(1024);
  for (;;) {
    Entry entry{};
    Entry *found = nullptr;
    const int code = lookup(id, &entry, room.data(), room.size(), &found);
    if (code == ERANGE && room.size() < (std::size_t{1} << 22)) {
      room.resize(room.size() * 2);
      continue;
    }
    return code == 0 && found != nullptr ? std::string(found->*name) : std::to_string(id);
  }
}

std::string user_name(uid_t id) { return name_of<passwd>(id, getpwuid_r, &passwd::pw_name); }
std::string group_name(gid_t id) { return name_of<group>(id, getgrgid_r, &group::gr_name); }

std::string parent_of(const std::string &path) {
  const std::size_t slash = path.find_last_of('/');
  return slash == std::string::npos ? std::string(".") : path.substr(0, std::max<std::size_t>(slash, 1));
}

bool all_digits(const std::string &word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_compute_node(const std::string &directory, const std::string &name) {
  if (directory == "/dev/dri") {
    return starts_with(name, "renderD") || starts_with(name, "card");
  }
  return name == "kfd" || name == "dxg" || name == "kgsl-3d0" || name == "nvidiactl" || name == "nvidia-uvm" ||
         (starts_with(name, "nvidia") && all_digits(name.substr(6))) ||
         (starts_with(name, "mali") && all_digits(name.substr(4)));
}

DoctorNode describe_node(const std::string &path, const std::string &real_path, const struct stat &info) {
  DoctorNode node;
  node.path = path;
  node.mode = info.st_mode & 07777U;
  node.owner = user_name(info.st_uid);
  node.group = group_name(info.st_gid);
  node.group_id = info.st_gid;
  node.readable = faccessat(AT_FDCWD, real_path.c_str(), R_OK, AT_EACCESS) == 0;
  node.writable = faccessat(AT_FDCWD, real_path.c_str(), W_OK, AT_EACCESS) == 0;
  if (!node.readable || !node.writable) {
    node.error = system_error(errno);
  } else if (!starts_with(base_name(path), "card")) {
    // Permission bits do not show a container's device rules, nor a driver with no device behind the node.
    const int file = open(real_path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file >= 0) {
      close(file);
    } else {
      node.error = system_error(errno);
      node.readable = node.writable = false;
    }
  }
  return node;
}

std::uint32_t read_number(const std::string &real_path) {
  std::string error;
  const auto content = read_file(real_path, 64, error);
  return content ? static_cast<std::uint32_t>(std::strtoul(content->c_str(), nullptr, 16)) : 0U;
}

std::string vendor_name(std::uint32_t id) {
  static constexpr struct {
    std::uint32_t id;
    const char *name;
  } known[] = {{0x10de, "NVIDIA"},  {0x1002, "AMD"},    {0x8086, "Intel"},     {0x1a03, "ASPEED"},
               {0x102b, "Matrox"},  {0x15ad, "VMware"}, {0x1234, "QEMU"},      {0x1af4, "virtio"},
               {0x1b36, "QXL"},     {0x1013, "Cirrus"}, {0x1414, "Microsoft"}, {0x1ed5, "Moore Threads"},
               {0x1d17, "Zhaoxin"}, {0x5333, "S3"}};
  for (const auto &vendor : known) {
    if (vendor.id == id) {
      return vendor.name;
    }
  }
  char number[16];
  std::snprintf(number, sizeof number, "0x%04x", static_cast<unsigned>(id));
  return number;
}

}  // namespace

std::string under(const std::string &root, const std::string &path) {
  if (root.empty() || root == "/" || !starts_with(path, "/")) {
    return path;
  }
  return ends_with(root, "/") ? root.substr(0, root.size() - 1) + path : root + path;
}

std::string system_error(int code) { return std::generic_category().message(code); }

std::optional<std::vector<std::string>> list_directory(const std::string &real_path, std::string &error) {
  const std::unique_ptr<DIR, CloseDirectory> directory(opendir(real_path.c_str()));
  if (!directory) {
    error = system_error(errno);
    return std::nullopt;
  }
  std::vector<std::string> names;
  while (const dirent *entry = readdir(directory.get())) {
    const std::string name(entry->d_name);
    if (name != "." && name != "..") {
      names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<std::string> read_file(const std::string &real_path, std::size_t limit, std::string &error) {
  // O_NONBLOCK: a named pipe in the place of a file must not stop the doctor.
  const int file = open(real_path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0) {
    error = system_error(errno);
    return std::nullopt;
  }
  const std::unique_ptr<FILE, int (*)(FILE *)> stream(fdopen(file, "rb"), fclose);
  if (!stream) {
    const int reason = errno;
    close(file);
    error = system_error(reason);
    return std::nullopt;
  }
  std::string content(limit, '\0');
  errno = 0;
  content.resize(std::fread(&content[0], 1, limit, stream.get()));
  if (std::ferror(stream.get()) != 0) {
    error = system_error(errno);
    return std::nullopt;
  }
  return content;
}

DoctorUser describe_user() {
  DoctorUser user;
  user.user_id = geteuid();
  user.name = user_name(geteuid());
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(getgroups(0, nullptr), 0)));
  const int count = getgroups(static_cast<int>(groups.size()), groups.data());
  groups.resize(static_cast<std::size_t>(std::max(count, 0)));
  groups.push_back(getegid());
  std::vector<gid_t> account(64);
  int room = static_cast<int>(account.size());
  if (getgrouplist(user.name.c_str(), getegid(), account.data(), &room) < 0) {
    account.resize(static_cast<std::size_t>(std::max(room, 0)));
    room = static_cast<int>(account.size());
    if (getgrouplist(user.name.c_str(), getegid(), account.data(), &room) < 0) {
      room = 0;
    }
  }
  account.resize(static_cast<std::size_t>(room));
  for (auto *list : {&groups, &account}) {
    std::sort(list->begin(), list->end());
    list->erase(std::unique(list->begin(), list->end()), list->end());
  }
  user.groups.assign(groups.begin(), groups.end());
  user.account_groups.assign(account.begin(), account.end());
  return user;
}

std::string describe_system(const std::string &root) {
  std::string distribution = "unknown distribution";
  std::string error;
  if (const auto content = read_file(under(root, "/etc/os-release"), 16384, error)) {
    for (const std::string &line : split(*content, '\n')) {
      if (starts_with(line, "PRETTY_NAME=")) {
        distribution = line.substr(12);
        distribution.erase(std::remove(distribution.begin(), distribution.end(), '"'), distribution.end());
      }
    }
  }
  utsname kernel{};
  return uname(&kernel) == 0 ? text(distribution, ", ", kernel.sysname, " ", kernel.release, " ", kernel.machine)
                             : distribution;
}

bool in_container(const std::string &root) {
  struct stat info {};
  return stat(under(root, "/.dockerenv").c_str(), &info) == 0 ||
         stat(under(root, "/run/.containerenv").c_str(), &info) == 0;
}

std::string nvidia_kernel_driver(const std::string &root) {
  std::string error;
  const auto content = read_file(under(root, "/proc/driver/nvidia/version"), 4096, error);
  return content ? first_line(*content) : std::string();
}

std::vector<DoctorNode> find_nodes(const std::string &root) {
  std::vector<DoctorNode> nodes;
  for (const std::string directory : {"/dev/dri", "/dev"}) {
    std::string error;
    const auto names = list_directory(under(root, directory), error);
    for (const std::string &name : names.value_or(std::vector<std::string>())) {
      const std::string path = text(directory, "/", name);
      const std::string real_path = under(root, path);
      struct stat info {};
      if (is_compute_node(directory, name) && stat(real_path.c_str(), &info) == 0 && !S_ISDIR(info.st_mode)) {
        nodes.push_back(describe_node(path, real_path, info));
      }
    }
  }
  return nodes;
}

std::vector<DoctorPciDevice> find_pci_devices(const std::string &root) {
  std::vector<DoctorPciDevice> found;
  std::string error;
  const std::string bus = under(root, "/sys/bus/pci/devices");
  const auto addresses = list_directory(bus, error);
  for (const std::string &address : addresses.value_or(std::vector<std::string>())) {
    const std::string folder = text(bus, "/", address);
    DoctorPciDevice device;
    device.address = address;
    device.class_code = read_number(folder + "/class");
    device.vendor_id = read_number(folder + "/vendor");
    device.device_id = read_number(folder + "/device");
    // 0x03: display; 0x12: processing accelerator, which AMD's compute-only cards are.
    if (device.class_code >> 16 != 0x03 && !(device.class_code >> 16 == 0x12 && device.vendor_id == 0x1002)) {
      continue;
    }
    device.vendor = vendor_name(device.vendor_id);
    char link[512];
    const ssize_t length = readlink((folder + "/driver").c_str(), link, sizeof link);
    device.driver = length > 0 ? base_name(std::string(link, static_cast<std::size_t>(length))) : std::string();
    found.push_back(device);
  }
  return found;
}

bool directory_writable(const std::string &real_path, std::string &error) {
  std::string path = real_path;
  struct stat info {};
  while (stat(path.c_str(), &info) != 0) {
    const int code = errno;
    const std::string parent = parent_of(path);
    if (code != ENOENT || parent == path) {
      error = system_error(code);
      return false;
    }
    path = parent;
  }
  if (!S_ISDIR(info.st_mode)) {
    error = system_error(ENOTDIR);
    return false;
  }
  if (faccessat(AT_FDCWD, path.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    error = system_error(errno);
    return false;
  }
  return true;
}

DoctorFolder describe_pocl_cache(const std::string &root, const Environment &environment) {
  const std::string own = value_of(environment, "POCL_CACHE_DIR");
  const std::string xdg = value_of(environment, "XDG_CACHE_HOME");
  const std::string home = value_of(environment, "HOME");
  DoctorFolder folder;
  folder.path = !own.empty()    ? own
                : !xdg.empty()  ? xdg + "/pocl/kcache"
                : !home.empty() ? home + "/.cache/pocl/kcache"
                                : "/tmp/pocl/kcache";
  folder.writable = directory_writable(under(root, folder.path), folder.error);
  return folder;
}

DoctorCache describe_cache(const std::string &root, const Environment &environment) {
  DoctorCache cache;
  if (const std::string choice = value_of(environment, "GPUC_CACHE");
      choice == "0" || choice == "off" || choice == "OFF") {
    cache.origin = "GPUC_CACHE";
    return cache;
  }
  const std::string own = value_of(environment, "GPUC_CACHE_DIR");
  const std::string xdg = value_of(environment, "XDG_CACHE_HOME");
  const std::string home = value_of(environment, "HOME");
  if (!own.empty()) {
    cache.path = own;
    cache.origin = "GPUC_CACHE_DIR";
  } else if (starts_with(xdg, "/")) {
    cache.path = xdg + "/gpucompute";
    cache.origin = "XDG_CACHE_HOME";
  } else if (starts_with(home, "/")) {
    cache.path = home + "/.cache/gpucompute";
    cache.origin = "HOME";
  } else {
    return cache;
  }
  const std::string real_path = under(root, cache.path);
  struct stat info {};
  cache.is_symlink = lstat(real_path.c_str(), &info) == 0 && S_ISLNK(info.st_mode);
  if (stat(real_path.c_str(), &info) == 0) {
    cache.exists = true;
    cache.owned = info.st_uid == geteuid();
    cache.mode = info.st_mode & 07777U;
  }
  cache.writable = directory_writable(real_path, cache.error);

  // The same rules as DiskCache::open_default(), which cannot be asked: it makes the directory.
  const std::string limit = value_of(environment, "GPUC_CACHE_LIMIT_MB");
  if (getuid() != geteuid() || getgid() != getegid()) {
    cache.refused = "the program runs with the rights of another user";
  } else if (!limit.empty() && !all_digits(limit)) {
    cache.refused = text("GPUC_CACHE_LIMIT_MB is \"", limit, "\", must be a number of megabytes");
  } else if (cache.origin == "HOME" && geteuid() == 0 && stat(under(root, home).c_str(), &info) == 0 &&
             info.st_uid != 0) {
    cache.refused = text("HOME \"", home, "\" belongs to ", user_name(info.st_uid), ", but the program runs as root");
  } else if (cache.is_symlink) {
    cache.refused = "it is a symbolic link";
  } else if (cache.exists && !cache.owned) {
    cache.refused = "it belongs to another user";
  } else if (cache.exists && (cache.mode & 022U) != 0) {
    cache.refused = "other users can write it";
  }
  return cache;
}

}  // namespace gpucompute::doctor
