// The living queues of the process, so that exit() can wait for what runs on them.
#pragma once

#include <memory>

namespace gpucompute {

class Timeline;

void register_timeline(const std::shared_ptr<Timeline> &timeline);

}  // namespace gpucompute
