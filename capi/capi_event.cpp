#include "args.hpp"

using namespace gpucompute;
using namespace gpucompute::capi;

gpuc_status gpuc_event_wait(gpuc_event *event) {
  return guard([&] { Pinned(event, "event")->wait(); });
}

gpuc_status gpuc_event_wait_for(gpuc_event *event, uint64_t timeout_ns) {
  return guard([&] { Pinned(event, "event")->wait_for(timeout_ns); });
}

gpuc_status gpuc_event_wait_all(gpuc_event *const *events, size_t event_count) {
  return guard([&] {
    if (event_count) need(events, "events");
    std::vector<Pinned<gpuc_event>> pins;
    for (size_t i = 0; i < event_count; ++i) pins.emplace_back(events[i], "events", i);
    wait_all(pins.begin(), pins.end());
  });
}

gpuc_status gpuc_event_get_state(gpuc_event *event, gpuc_event_state *out_state) {
  return guard([&] { need(out_state, "out_state") = static_cast<gpuc_event_state>(Pinned(event, "event")->state()); });
}

gpuc_status gpuc_event_get_times(gpuc_event *event, uint64_t *out_queued_ns, uint64_t *out_submitted_ns,
                                 uint64_t *out_started_ns, uint64_t *out_ended_ns) {
  return guard([&] {
    const EventTimes times = Pinned(event, "event")->times();
    if (out_queued_ns) *out_queued_ns = times.queued_ns;
    if (out_submitted_ns) *out_submitted_ns = times.submitted_ns;
    if (out_started_ns) *out_started_ns = times.started_ns;
    if (out_ended_ns) *out_ended_ns = times.ended_ns;
  });
}

gpuc_status gpuc_event_get_fd(gpuc_event *event, int32_t *out_fd) {
  return guard([&] {
    need(out_fd, "out_fd") = -1;
    *out_fd = Pinned(event, "event")->create_fd();
  });
}

gpuc_status gpuc_event_create_user(gpuc_context *context, gpuc_event **out_event) {
  clear_out(out_event);
  return guard([&] {
    gpuc_event *&out = need_out(out_event, "out_event");
    out = give_new<gpuc_event>(Event::create_user(*Pinned(context, "context")));
  });
}

gpuc_status gpuc_event_complete(gpuc_event *event, int32_t cl_code) {
  return guard([&] { Pinned(event, "event")->complete(cl_code); });
}

gpuc_status gpuc_event_from_native(gpuc_context *context, void *native, gpuc_event **out_event) {
  clear_out(out_event);
  return guard([&] {
    gpuc_event *&out = need_out(out_event, "out_event");
    const Pinned context_(context, "context");
    out = give_new<gpuc_event>(Event::wrap(*context_, &need(static_cast<cl_event>(native), "native")));
  });
}

gpuc_status gpuc_event_get_native(gpuc_event *event, void **out_native) {
  clear_out(out_native);
  return guard([&] {
    need(out_native, "out_native") = nullptr;
    *out_native = Pinned(event, "event")->native();
  });
}

gpuc_status gpuc_event_retain(gpuc_event *event) {
  return guard([&] { retain(event); });
}
void gpuc_event_release(gpuc_event *event) { release(event); }
