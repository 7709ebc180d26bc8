// Commands that move bytes: read, write, copy, fill, map, unmap, migrate.
#include <stdlib.h>
#include <string.h>

#include "fake.h"

// A box of bytes in a buffer or in host memory, as the rect functions describe it.
struct box {
  size_t origin[3];
  size_t row, slice;  // pitches
};

// ---- what the commands do ----

static cl_int run_copy(struct fake_command *command) {
  const size_t *region = command->u.copy.region;
  for (size_t z = 0; z < region[2]; z++) {
    for (size_t y = 0; y < region[1]; y++) {
      memmove(command->u.copy.target + z * command->u.copy.target_slice + y * command->u.copy.target_row,
              command->u.copy.source + z * command->u.copy.source_slice + y * command->u.copy.source_row, region[0]);
    }
  }
  fake_clock_advance(region[0] * region[1] * region[2] / 16);
  return CL_COMPLETE;
}

static cl_int run_fill(struct fake_command *command) {
  for (size_t done = 0; done < command->u.fill.size; done += command->u.fill.pattern_size) {
    memcpy(command->u.fill.target + done, command->u.fill.pattern, command->u.fill.pattern_size);
  }
  fake_clock_advance(command->u.fill.size / 16);
  return CL_COMPLETE;
}

static void set_copy(struct fake_command *command, unsigned char *target, const unsigned char *source, size_t size) {
  command->run = run_copy;
  command->u.copy.target = target;
  command->u.copy.source = source;
  command->u.copy.region[0] = size;
  command->u.copy.region[1] = command->u.copy.region[2] = 1;
}

// ---- checks ----

static cl_int check_buffer(cl_command_queue queue, cl_mem buffer, cl_mem_flags forbidden) {
  if (!fake_is(queue, FAKE_QUEUE)) return CL_INVALID_COMMAND_QUEUE;
  if (!fake_is(buffer, FAKE_MEM) || !buffer->object.references) return CL_INVALID_MEM_OBJECT;
  if (buffer->context != queue->context) return CL_INVALID_CONTEXT;
  return buffer->flags & forbidden ? CL_INVALID_OPERATION : CL_SUCCESS;
}

static int in_range(cl_mem buffer, size_t offset, size_t size) {
  return size && offset <= buffer->size && size <= buffer->size - offset;
}

static const cl_mem_flags no_host_read = CL_MEM_HOST_WRITE_ONLY | CL_MEM_HOST_NO_ACCESS;
static const cl_mem_flags no_host_write = CL_MEM_HOST_READ_ONLY | CL_MEM_HOST_NO_ACCESS;

// ---- read, write, copy ----

// Host and buffer; the direction is in the command type.
static cl_int transfer(cl_command_queue queue, cl_command_type type, cl_mem buffer, cl_bool blocking, size_t offset,
                       size_t size, void *host, cl_uint wait_count, const cl_event *waits, cl_event *out_event) {
  const int reads = type == CL_COMMAND_READ_BUFFER;
  cl_int result = check_buffer(queue, buffer, reads ? no_host_read : no_host_write);
  if (result != CL_SUCCESS) return result;
  if (!host || !in_range(buffer, offset, size)) return CL_INVALID_VALUE;
  struct fake_command *command = fake_command_new(queue, type, wait_count, waits, &result);
  if (!command) return result;
  fake_command_uses(command, buffer);
  if (reads) {
    set_copy(command, host, buffer->data + offset, size);
  } else {
    set_copy(command, buffer->data + offset, host, size);
  }
  return fake_submit(command, blocking, out_event);
}

cl_int clEnqueueReadBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t size,
                           void *host, cl_uint wait_count, const cl_event *waits, cl_event *event) {
  fake_lock();
  cl_int result =
      transfer(queue, CL_COMMAND_READ_BUFFER, buffer, blocking, offset, size, host, wait_count, waits, event);
  fake_unlock();
  return result;
}

cl_int clEnqueueWriteBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t size,
                            const void *host, cl_uint wait_count, const cl_event *waits, cl_event *event) {
  fake_lock();
  cl_int result = transfer(queue, CL_COMMAND_WRITE_BUFFER, buffer, blocking, offset, size, (void *)(uintptr_t)host,
                           wait_count, waits, event);
  fake_unlock();
  return result;
}

static int overlap(const unsigned char *a, const unsigned char *b, size_t size) {
  return (uintptr_t)a < (uintptr_t)b + size && (uintptr_t)b < (uintptr_t)a + size;
}

static cl_int copy(cl_command_queue queue, cl_mem source, cl_mem target, size_t source_offset, size_t target_offset,
                   size_t size, cl_uint wait_count, const cl_event *waits, cl_event *out_event) {
  cl_int result = check_buffer(queue, source, 0);
  if (result == CL_SUCCESS) result = check_buffer(queue, target, 0);
  if (result != CL_SUCCESS) return result;
  if (!in_range(source, source_offset, size) || !in_range(target, target_offset, size)) return CL_INVALID_VALUE;
  if (overlap(source->data + source_offset, target->data + target_offset, size)) return CL_MEM_COPY_OVERLAP;
  struct fake_command *command = fake_command_new(queue, CL_COMMAND_COPY_BUFFER, wait_count, waits, &result);
  if (!command) return result;
  fake_command_uses(command, source);
  fake_command_uses(command, target);
  set_copy(command, target->data + target_offset, source->data + source_offset, size);
  return fake_submit(command, CL_FALSE, out_event);
}

cl_int clEnqueueCopyBuffer(cl_command_queue queue, cl_mem source, cl_mem target, size_t source_offset,
                           size_t target_offset, size_t size, cl_uint wait_count, const cl_event *waits,
                           cl_event *event) {
  fake_lock();
  cl_int result = copy(queue, source, target, source_offset, target_offset, size, wait_count, waits, event);
  fake_unlock();
  return result;
}

// ---- boxes ----

// Sets pitches that were left at 0, and gives whether the box is well formed.
static int complete_box(struct box *box, const size_t *origin, const size_t *region) {
  if (!origin || !region || !region[0] || !region[1] || !region[2]) return 0;
  memcpy(box->origin, origin, sizeof box->origin);
  if (!box->row) box->row = region[0];
  if (box->row < region[0]) return 0;
  if (__builtin_mul_overflow(box->row, region[1], &(size_t){0})) return 0;
  if (!box->slice) box->slice = box->row * region[1];
  return box->slice >= box->row * region[1] && box->slice % box->row == 0;
}

// The first byte of the box and the byte behind its last one; 0 when they cannot be counted.
static int box_range(const struct box *box, const size_t *region, size_t *out_first, size_t *out_end) {
  size_t z, y, last_z, last_y;
  if (__builtin_mul_overflow(box->origin[2], box->slice, &z) || __builtin_mul_overflow(box->origin[1], box->row, &y) ||
      __builtin_add_overflow(z, y, out_first) || __builtin_add_overflow(*out_first, box->origin[0], out_first) ||
      __builtin_mul_overflow(region[2] - 1, box->slice, &last_z) ||
      __builtin_mul_overflow(region[1] - 1, box->row, &last_y) || __builtin_add_overflow(last_z, last_y, &last_z) ||
      __builtin_add_overflow(last_z, region[0], &last_z) || __builtin_add_overflow(*out_first, last_z, out_end)) {
    return 0;
  }
  return 1;
}

// Whether two boxes of the same buffer share a byte, row by row.
static int boxes_overlap(const unsigned char *a, const struct box *box_a, const unsigned char *b,
                         const struct box *box_b, const size_t *region) {
  for (size_t za = 0; za < region[2]; za++) {
    for (size_t ya = 0; ya < region[1]; ya++) {
      const unsigned char *row_a = a + za * box_a->slice + ya * box_a->row;
      for (size_t zb = 0; zb < region[2]; zb++) {
        for (size_t yb = 0; yb < region[1]; yb++) {
          if (overlap(row_a, b + zb * box_b->slice + yb * box_b->row, region[0])) return 1;
        }
      }
    }
  }
  return 0;
}

static void set_box_copy(struct fake_command *command, unsigned char *target, const struct box *target_box,
                         const unsigned char *source, const struct box *source_box, const size_t *region) {
  set_copy(command, target, source, region[0]);
  memcpy(command->u.copy.region, region, sizeof command->u.copy.region);
  command->u.copy.target_row = target_box->row;
  command->u.copy.target_slice = target_box->slice;
  command->u.copy.source_row = source_box->row;
  command->u.copy.source_slice = source_box->slice;
}

// Host and buffer, boxes.
static cl_int transfer_box(cl_command_queue queue, cl_command_type type, cl_mem buffer, cl_bool blocking,
                           const size_t *buffer_origin, struct box *buffer_box, const size_t *host_origin,
                           struct box *host_box, const size_t *region, unsigned char *host, cl_uint wait_count,
                           const cl_event *waits, cl_event *out_event) {
  const int reads = type == CL_COMMAND_READ_BUFFER_RECT;
  cl_int result = check_buffer(queue, buffer, reads ? no_host_read : no_host_write);
  if (result != CL_SUCCESS) return result;
  size_t first, end, host_first, host_end;
  if (!host || !complete_box(buffer_box, buffer_origin, region) || !complete_box(host_box, host_origin, region) ||
      !box_range(buffer_box, region, &first, &end) || !box_range(host_box, region, &host_first, &host_end) ||
      end > buffer->size) {
    return CL_INVALID_VALUE;
  }
  struct fake_command *command = fake_command_new(queue, type, wait_count, waits, &result);
  if (!command) return result;
  fake_command_uses(command, buffer);
  if (reads) {
    set_box_copy(command, host + host_first, host_box, buffer->data + first, buffer_box, region);
  } else {
    set_box_copy(command, buffer->data + first, buffer_box, host + host_first, host_box, region);
  }
  return fake_submit(command, blocking, out_event);
}

cl_int clEnqueueReadBufferRect(cl_command_queue queue, cl_mem buffer, cl_bool blocking, const size_t *buffer_origin,
                               const size_t *host_origin, const size_t *region, size_t buffer_row, size_t buffer_slice,
                               size_t host_row, size_t host_slice, void *host, cl_uint wait_count,
                               const cl_event *waits, cl_event *event) {
  struct box buffer_box = {.row = buffer_row, .slice = buffer_slice};
  struct box host_box = {.row = host_row, .slice = host_slice};
  fake_lock();
  cl_int result = transfer_box(queue, CL_COMMAND_READ_BUFFER_RECT, buffer, blocking, buffer_origin, &buffer_box,
                               host_origin, &host_box, region, host, wait_count, waits, event);
  fake_unlock();
  return result;
}

cl_int clEnqueueWriteBufferRect(cl_command_queue queue, cl_mem buffer, cl_bool blocking, const size_t *buffer_origin,
                                const size_t *host_origin, const size_t *region, size_t buffer_row, size_t buffer_slice,
                                size_t host_row, size_t host_slice, const void *host, cl_uint wait_count,
                                const cl_event *waits, cl_event *event) {
  struct box buffer_box = {.row = buffer_row, .slice = buffer_slice};
  struct box host_box = {.row = host_row, .slice = host_slice};
  fake_lock();
  cl_int result =
      transfer_box(queue, CL_COMMAND_WRITE_BUFFER_RECT, buffer, blocking, buffer_origin, &buffer_box, host_origin,
                   &host_box, region, (unsigned char *)(uintptr_t)host, wait_count, waits, event);
  fake_unlock();
  return result;
}

static cl_int copy_box(cl_command_queue queue, cl_mem source, cl_mem target, const size_t *source_origin,
                       struct box *source_box, const size_t *target_origin, struct box *target_box,
                       const size_t *region, cl_uint wait_count, const cl_event *waits, cl_event *out_event) {
  cl_int result = check_buffer(queue, source, 0);
  if (result == CL_SUCCESS) result = check_buffer(queue, target, 0);
  if (result != CL_SUCCESS) return result;
  size_t source_first, source_end, target_first, target_end;
  if (!complete_box(source_box, source_origin, region) || !complete_box(target_box, target_origin, region) ||
      !box_range(source_box, region, &source_first, &source_end) ||
      !box_range(target_box, region, &target_first, &target_end) || source_end > source->size ||
      target_end > target->size) {
    return CL_INVALID_VALUE;
  }
  const unsigned char *from = source->data + source_first;
  unsigned char *to = target->data + target_first;
  if (source == target && (source_box->row != target_box->row || source_box->slice != target_box->slice)) {
    return CL_INVALID_VALUE;
  }
  const size_t span_a = source_end - source_first, span_b = target_end - target_first;
  if (overlap(from, to, span_a > span_b ? span_a : span_b) && boxes_overlap(from, source_box, to, target_box, region)) {
    return CL_MEM_COPY_OVERLAP;
  }
  struct fake_command *command = fake_command_new(queue, CL_COMMAND_COPY_BUFFER_RECT, wait_count, waits, &result);
  if (!command) return result;
  fake_command_uses(command, source);
  fake_command_uses(command, target);
  set_box_copy(command, to, target_box, from, source_box, region);
  return fake_submit(command, CL_FALSE, out_event);
}

cl_int clEnqueueCopyBufferRect(cl_command_queue queue, cl_mem source, cl_mem target, const size_t *source_origin,
                               const size_t *target_origin, const size_t *region, size_t source_row,
                               size_t source_slice, size_t target_row, size_t target_slice, cl_uint wait_count,
                               const cl_event *waits, cl_event *event) {
  struct box source_box = {.row = source_row, .slice = source_slice};
  struct box target_box = {.row = target_row, .slice = target_slice};
  fake_lock();
  cl_int result = copy_box(queue, source, target, source_origin, &source_box, target_origin, &target_box, region,
                           wait_count, waits, event);
  fake_unlock();
  return result;
}

// ---- fill and migrate ----

static cl_int fill(cl_command_queue queue, cl_mem buffer, const void *pattern, size_t pattern_size, size_t offset,
                   size_t size, cl_uint wait_count, const cl_event *waits, cl_event *out_event) {
  cl_int result = check_buffer(queue, buffer, 0);
  if (result != CL_SUCCESS) return result;
  if (!pattern || !pattern_size || pattern_size > FAKE_MAX_PATTERN || (pattern_size & (pattern_size - 1)) ||
      offset % pattern_size || size % pattern_size || !in_range(buffer, offset, size)) {
    return CL_INVALID_VALUE;
  }
  struct fake_command *command = fake_command_new(queue, CL_COMMAND_FILL_BUFFER, wait_count, waits, &result);
  if (!command) return result;
  fake_command_uses(command, buffer);
  command->run = run_fill;
  memcpy(command->u.fill.pattern, pattern, pattern_size);
  command->u.fill.pattern_size = pattern_size;
  command->u.fill.target = buffer->data + offset;
  command->u.fill.size = size;
  return fake_submit(command, CL_FALSE, out_event);
}

cl_int clEnqueueFillBuffer(cl_command_queue queue, cl_mem buffer, const void *pattern, size_t pattern_size,
                           size_t offset, size_t size, cl_uint wait_count, const cl_event *waits, cl_event *event) {
  if (fake_profile.version < 120) return CL_INVALID_OPERATION;
  fake_lock();
  cl_int result = fill(queue, buffer, pattern, pattern_size, offset, size, wait_count, waits, event);
  fake_unlock();
  return result;
}

static cl_int migrate(cl_command_queue queue, cl_uint count, const cl_mem *buffers, cl_mem_migration_flags flags,
                      cl_uint wait_count, const cl_event *waits, cl_event *out_event) {
  cl_int result = fake_is(queue, FAKE_QUEUE) ? CL_SUCCESS : CL_INVALID_COMMAND_QUEUE;
  if (result != CL_SUCCESS) return result;
  const cl_mem_migration_flags known = CL_MIGRATE_MEM_OBJECT_HOST | CL_MIGRATE_MEM_OBJECT_CONTENT_UNDEFINED;
  if (!count || !buffers || (flags & ~known)) return CL_INVALID_VALUE;
  for (cl_uint i = 0; i < count && result == CL_SUCCESS; i++) result = check_buffer(queue, buffers[i], 0);
  if (result != CL_SUCCESS) return result;
  struct fake_command *command = fake_command_new(queue, CL_COMMAND_MIGRATE_MEM_OBJECTS, wait_count, waits, &result);
  return command ? fake_submit(command, CL_FALSE, out_event) : result;
}

cl_int clEnqueueMigrateMemObjects(cl_command_queue queue, cl_uint count, const cl_mem *buffers,
                                  cl_mem_migration_flags flags, cl_uint wait_count, const cl_event *waits,
                                  cl_event *event) {
  if (fake_profile.version < 120) return CL_INVALID_OPERATION;
  fake_lock();
  cl_int result = migrate(queue, count, buffers, flags, wait_count, waits, event);
  fake_unlock();
  return result;
}

// ---- map and unmap ----

static void *map(cl_command_queue queue, cl_mem buffer, cl_bool blocking, cl_map_flags flags, size_t offset,
                 size_t size, cl_uint wait_count, const cl_event *waits, cl_event *out_event, cl_int *out_error) {
  const cl_map_flags writes = CL_MAP_WRITE | CL_MAP_WRITE_INVALIDATE_REGION;
  cl_mem_flags forbidden = 0;
  if (flags & CL_MAP_READ) forbidden |= no_host_read;
  if (flags & writes) forbidden |= no_host_write;
  cl_int result = check_buffer(queue, buffer, forbidden);
  if (result != CL_SUCCESS) return fake_fail(out_error, result);
  if (!in_range(buffer, offset, size) || (flags & ~(CL_MAP_READ | writes)) ||
      ((flags & CL_MAP_WRITE_INVALIDATE_REGION) && (flags & (CL_MAP_READ | CL_MAP_WRITE))) ||
      ((flags & CL_MAP_WRITE_INVALIDATE_REGION) && fake_profile.version < 120)) {
    return fake_fail(out_error, CL_INVALID_VALUE);
  }
  // Where host and device share memory the buffer itself is mapped; a discrete device shows a copy.
  const int direct = fake_profile.unified || (buffer->flags & (CL_MEM_USE_HOST_PTR | CL_MEM_ALLOC_HOST_PTR));
  struct fake_mapping *mapping = calloc(1, sizeof *mapping);
  struct fake_command *command =
      mapping ? fake_command_new(queue, CL_COMMAND_MAP_BUFFER, wait_count, waits, &result) : NULL;
  if (!command) {
    free(mapping);
    return fake_fail(out_error, result == CL_SUCCESS ? CL_OUT_OF_HOST_MEMORY : result);
  }
  fake_command_uses(command, buffer);
  if (direct) {
    mapping->pointer = buffer->data + offset;
  } else if (posix_memalign((void **)&mapping->shadow, 128, size) == 0) {
    mapping->pointer = mapping->shadow;
    memset(mapping->shadow, 0xcd, size);  // what CL_MAP_WRITE_INVALIDATE_REGION leaves undefined is undefined
    if (!(flags & CL_MAP_WRITE_INVALIDATE_REGION)) {
      set_copy(command, mapping->shadow, buffer->data + offset, size);
    }
  } else {
    free(mapping);
    fake_command_free(command);
    return fake_fail(out_error, CL_MAP_FAILURE);
  }
  mapping->offset = offset;
  mapping->size = size;
  mapping->flags = flags;
  void *pointer = mapping->pointer;
  mapping->next = buffer->mappings;
  buffer->mappings = mapping;
  buffer->map_count++;
  result = fake_submit(command, blocking, out_event);
  if (result == CL_SUCCESS) return fake_give(out_error, pointer);
  struct fake_mapping **link = &buffer->mappings;
  while (*link != mapping) link = &(*link)->next;
  *link = mapping->next;
  buffer->map_count--;
  free(mapping->shadow);
  free(mapping);
  return fake_fail(out_error, result);
}

void *clEnqueueMapBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking, cl_map_flags flags, size_t offset,
                         size_t size, cl_uint wait_count, const cl_event *waits, cl_event *event, cl_int *errcode_ret) {
  fake_lock();
  void *pointer = map(queue, buffer, blocking, flags, offset, size, wait_count, waits, event, errcode_ret);
  fake_unlock();
  return pointer;
}

static cl_int unmap(cl_command_queue queue, cl_mem buffer, void *pointer, cl_uint wait_count, const cl_event *waits,
                    cl_event *out_event) {
  cl_int result = check_buffer(queue, buffer, 0);
  if (result != CL_SUCCESS) return result;
  struct fake_mapping **link = &buffer->mappings;
  while (*link && (*link)->pointer != pointer) link = &(*link)->next;
  struct fake_mapping *mapping = *link;
  if (!mapping) return CL_INVALID_VALUE;
  struct fake_command *command = fake_command_new(queue, CL_COMMAND_UNMAP_MEM_OBJECT, wait_count, waits, &result);
  if (!command) return result;
  fake_command_uses(command, buffer);
  if (mapping->shadow && (mapping->flags & (CL_MAP_WRITE | CL_MAP_WRITE_INVALIDATE_REGION))) {
    set_copy(command, buffer->data + mapping->offset, mapping->shadow, mapping->size);
  }
  command->owned = mapping->shadow;
  *link = mapping->next;
  free(mapping);
  buffer->map_count--;
  return fake_submit(command, CL_FALSE, out_event);
}

cl_int clEnqueueUnmapMemObject(cl_command_queue queue, cl_mem buffer, void *pointer, cl_uint wait_count,
                               const cl_event *waits, cl_event *event) {
  fake_lock();
  cl_int result = unmap(queue, buffer, pointer, wait_count, waits, event);
  fake_unlock();
  return result;
}
