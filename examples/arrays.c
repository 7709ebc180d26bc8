/* Arrays: views of a buffer that cost nothing, copies that convert and transpose on the device, and a product of views.
 *
 * A matrix of integers is made on the device. Its transpose, every other row of it, and its mirror image are the same
 * bytes seen in another way; a copy puts what is seen there in order, in another type. Everything is compared with what
 * the CPU makes of it. */
#include <gpucompute/gpucompute.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 300, COLUMNS = 200, HALF = ROWS / 2 };

static void check(gpuc_status status) {
  if (status == GPUC_OK) return;
  fprintf(stderr, "%s: %s\n%s", gpuc_status_name(status), gpuc_last_error_message(), gpuc_last_error_detail());
  exit(1);
}

/* A row-major array without gaps in a buffer of its own. */
static gpuc_array_view make_array(gpuc_context *context, gpuc_type type, uint64_t rows, uint64_t columns) {
  gpuc_array_view view;
  size_t size;
  check(gpuc_array_view_init(&view, sizeof view));
  view.type = type;
  view.ndim = 2;
  view.shape[0] = rows;
  view.shape[1] = columns;
  check(gpuc_array_view_pack(&view, &size));
  check(gpuc_buffer_create(context, size, 0, &view.buffer));
  return view;
}

static gpuc_array_view transposed(gpuc_array_view view) {
  const uint64_t size = view.shape[0];
  const int64_t stride = view.strides_bytes[0];
  view.shape[0] = view.shape[1];
  view.strides_bytes[0] = view.strides_bytes[1];
  view.shape[1] = size;
  view.strides_bytes[1] = stride;
  return view;
}

int main(void) {
  gpuc_context *context;
  gpuc_queue *queue;
  check(gpuc_context_create(NULL, 0, &context));
  check(gpuc_queue_create(context, NULL, 0, &queue));

  /* 0, 1, 2, ... as one row, which is then seen as a matrix. */
  gpuc_array_view numbers = make_array(context, GPUC_TYPE_I32, ROWS, COLUMNS), line = numbers;
  line.ndim = 1;
  line.shape[0] = ROWS * COLUMNS;
  line.strides_bytes[0] = sizeof(int32_t);
  const int32_t start = 0, step = 1;
  check(gpuc_array_arange(queue, &line, &start, &step, GPUC_TYPE_I32, NULL, 0, NULL));

  /* Every other row, from the last one up, transposed, as floats: no kernel to write. */
  gpuc_array_view rows = numbers;
  rows.shape[0] = HALF;
  rows.strides_bytes[0] = -2 * numbers.strides_bytes[0];
  rows.offset_bytes = (size_t)((ROWS - 1) * numbers.strides_bytes[0]);
  gpuc_array_view seen = transposed(rows), floats = make_array(context, GPUC_TYPE_F32, COLUMNS, HALF);
  check(gpuc_array_copy(queue, &floats, &seen, NULL, 0, NULL));

  /* One column becomes 0.5; a stride of 0 repeats one row to all of another array. */
  gpuc_array_view column = floats;
  const double half = 0.5;
  column.shape[1] = 1;
  check(gpuc_array_fill(queue, &column, &half, GPUC_TYPE_F64, NULL, 0, NULL));

  static float result[COLUMNS][HALF];
  check(gpuc_array_read(queue, &floats, result));
  int wrong = 0;
  for (int i = 0; i < COLUMNS; ++i)
    for (int j = 0; j < HALF; ++j) wrong += result[i][j] != (j == 0 ? 0.5f : (float)((ROWS - 1 - 2 * j) * COLUMNS + i));

  /* ones * ones^T: the transposed view is multiplied where it is. */
  gpuc_array_view ones = make_array(context, GPUC_TYPE_F32, 64, 10), turned = transposed(ones);
  gpuc_array_view product = make_array(context, GPUC_TYPE_F32, 64, 64);
  const float one = 1;
  check(gpuc_array_fill(queue, &ones, &one, GPUC_TYPE_F32, NULL, 0, NULL));
  check(gpuc_array_matmul(queue, &ones, &turned, &product, NULL, NULL, 0, NULL));
  static float sums[64][64];
  check(gpuc_array_read(queue, &product, sums));
  for (int i = 0; i < 64; ++i)
    for (int j = 0; j < 64; ++j) wrong += sums[i][j] != 10;

  gpuc_buffer_release(numbers.buffer);
  gpuc_buffer_release(floats.buffer);
  gpuc_buffer_release(ones.buffer);
  gpuc_buffer_release(product.buffer);
  gpuc_queue_release(queue);
  gpuc_context_release(context);
  if (wrong) {
    printf("%d elements are wrong\n", wrong);
    return 1;
  }
  printf("%d x %d integers, every other row transposed to floats, and a product of views: right\n", ROWS, COLUMNS);
  return 0;
}
