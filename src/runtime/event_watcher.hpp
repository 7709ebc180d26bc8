// One thread that watches events for file descriptors. It looks, instead of using driver callbacks, which deadlock or
// crash some drivers.
#pragma once

#include <gpucompute/event.hpp>

#include <memory>

namespace gpucompute {

// Writes to the eventfd, which is the watcher's own duplicate, when the event is complete or has failed, and closes it.
void watch(std::shared_ptr<Event> event, int eventfd);

}  // namespace gpucompute
