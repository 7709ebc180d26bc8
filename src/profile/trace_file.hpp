// Trace files: a JSON array that is complete after every write, so that a process may end at any moment. Of one that is
// killed in the middle of a write the closing bracket may be missing, which viewers do not mind.
#pragma once

#include <gpucompute/profile.hpp>

#include <mutex>
#include <string>

#include "profile/trace_format.hpp"

namespace gpucompute {

class TraceFile final : public ProfileSink {
 public:
  // Creates or empties the file. Throws Error(file) with the reason. With `shared_name`, a file that another process is
  // writing gets a neighbour whose name has the number of this process.
  TraceFile(const std::string &path, bool shared_name, std::uint64_t limit_bytes);
  ~TraceFile() override;

  const std::string &path() const noexcept { return path_; }
  void take(const ProfileRecord &record) noexcept override;
  // Writes what is left and ends the file. Throws Error(file) if anything could not be written, now or before.
  void close();

 private:
  bool append(const ProfileRecord &record) noexcept;
  std::size_t events_within(std::size_t room, std::size_t start) const noexcept;
  bool write_out() noexcept;
  [[noreturn]] void fail_to_write() const;

  std::string path_;
  const std::uint64_t limit_;
  std::mutex mutex_;
  int fd_ = -1;
  int error_ = 0;              // errno of the write that failed
  std::string text_;           // not written yet
  std::string piece_;          // what one write takes of it
  std::uint64_t end_ = 0;      // where the closing bracket is
  std::uint64_t written_ = 0;  // when
  bool full_ = false;
  TraceFormat format_;
};

// Begins to record into the file that GPUC_TRACE names, once. Called when the first context is made.
void start_trace_from_environment() noexcept;

// The file that GPUC_TRACE asks for: "" for none, %p is the process. For the doctor too.
std::string trace_path(const std::string &setting);

}  // namespace gpucompute
