#include "gemm/gemm_task.hpp"

#include <cmath>
#include <string>

#include "support/fail.hpp"

namespace gpucompute {
namespace {

// Products and sums of four 63-bit numbers are exact in it.
__extension__ using Wide = unsigned __int128;

const char *layout_name(Layout layout) { return layout == Layout::row_major ? "row-major" : "column-major"; }

bool one_of(DataType type, std::initializer_list<DataType> types) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

bool is_f8(DataType type) { return type == DataType::f8e4m3 || type == DataType::f8e5m2; }

// Fills in the types that are left open, and checks that they go together.
void settle_types(const GemmProblem &p, GemmTask &task) {
  using T = DataType;
  if (!one_of(p.type, {T::i8, T::f16, T::f32, T::f64, T::c64, T::c128, T::bf16, T::f8e4m3, T::f8e5m2}))
    fail(Status::invalid_argument, "type is ", static_cast<int>(p.type), " (", name_of(p.type),
         "), must be f16, bf16, f32, f64, c64, c128, i8, f8e4m3 or f8e5m2");
  const T b = p.b_type == T::none ? p.type : p.b_type;
  if (b != p.type && !(is_f8(b) && is_f8(p.type)))
    fail(Status::invalid_argument, "b_type is ", static_cast<int>(b), " (", name_of(b), "), must be ", name_of(p.type),
         is_f8(p.type) ? " or the other f8" : " as type");
  const T usual = p.type == T::i8 ? T::i32 : is_f8(p.type) ? T::bf16 : p.type;
  const T c = p.c_type == T::none ? usual : p.c_type;
  bool fits = c == usual;
  std::string allowed = name_of(usual);
  const auto also = [&](std::initializer_list<DataType> types) {
    for (T type : types) allowed += text(" or ", name_of(type));
    fits = fits || one_of(c, types);
  };
  if (p.type == T::f16 || p.type == T::bf16 || p.type == T::i8) also({T::f32});
  if (is_f8(p.type)) also({T::f16, T::f32});
  if (!fits)
    fail(Status::invalid_argument, "c_type is ", static_cast<int>(c), " (", name_of(c), "), must be ", allowed, " for ",
         name_of(p.type));
  task.a.type = p.type;
  task.b.type = b;
  task.c.type = task.type = c;
  task.compute = p.type == T::i8 ? T::i32 : one_of(p.type, {T::f64, T::c64, T::c128}) ? p.type : T::f32;
  switch (p.compute) {
    case Compute::standard:
      break;
    case Compute::tf32:
    case Compute::f32_split:
      if (p.type != T::f32)
        fail(Status::invalid_argument, "compute is ", p.compute == Compute::tf32 ? "tf32" : "f32_split",
             ", must be standard (0) for ", name_of(p.type));
      break;
    default:
      fail(Status::invalid_argument, "compute is ", static_cast<int>(p.compute),
           ", must be 0 (standard), 1 (tf32) or 2 (f32_split)");
  }
  task.mode = p.compute;
}

void check_enums(const GemmProblem &p) {
  if (p.layout != Layout::row_major && p.layout != Layout::column_major)
    fail(Status::invalid_argument, "layout is ", static_cast<int>(p.layout),
         ", must be 0 (row-major) or 1 (column-major)");
  const auto check = [](Transpose transpose, const char *name) {
    if (transpose != Transpose::none && transpose != Transpose::trans && transpose != Transpose::conj)
      fail(Status::invalid_argument, name, " is ", static_cast<int>(transpose),
           ", must be 0 (none), 1 (trans) or 2 (conj)");
  };
  check(p.transpose_a, "transpose_a");
  check(p.transpose_b, "transpose_b");
}

void check_numbers(const GemmProblem &p, const GemmTask &task) {
  const std::pair<const char *, std::int64_t> numbers[] = {{"m", p.m},
                                                           {"n", p.n},
                                                           {"k", p.k},
                                                           {"lda", p.lda},
                                                           {"ldb", p.ldb},
                                                           {"ldc", p.ldc},
                                                           {"a_offset", p.a_offset},
                                                           {"b_offset", p.b_offset},
                                                           {"c_offset", p.c_offset},
                                                           {"batch_count", p.batch_count},
                                                           {"a_stride", p.a_stride},
                                                           {"b_stride", p.b_stride},
                                                           {"c_stride", p.c_stride},
                                                           {"bias_offset", p.bias_offset},
                                                           {"residual_offset", p.residual_offset},
                                                           {"residual_ld", p.residual_ld},
                                                           {"residual_stride", p.residual_stride}};
  for (const auto &[name, value] : numbers)
    if (value < 0) fail(Status::invalid_argument, name, " is ", value, ", must be 0 or more");
  if (task.is_complex()) return;
  if (p.alpha_imag != 0)
    fail(Status::invalid_argument, "alpha_imag is ", p.alpha_imag, ", must be 0 for ", name_of(p.type));
  if (p.beta_imag != 0)
    fail(Status::invalid_argument, "beta_imag is ", p.beta_imag, ", must be 0 for ", name_of(p.type));
  if (task.c.type != DataType::i32) return;
  // The arithmetic is that of integers, and they travel as f32.
  for (const auto &[name, value] :
       {std::make_pair("alpha_real", p.alpha_real), std::make_pair("beta_real", p.beta_real)})
    if (!(std::abs(value) <= 16777216) || value != std::trunc(value))
      fail(Status::invalid_argument, name, " is ", value, ", must be a whole number of at most 24 bits where C is i32");
}

void settle_epilogue(const GemmProblem &p, GemmTask &task) {
  GemmEpilogue &e = task.epilogue;
  if (p.bias != Bias::none && p.bias != Bias::per_row && p.bias != Bias::per_column)
    fail(Status::invalid_argument, "bias is ", static_cast<int>(p.bias),
         ", must be 0 (none), 1 (per row) or 2 (per column)");
  if (p.activation < Activation::none || p.activation > Activation::swiglu)
    fail(Status::invalid_argument, "activation is ", static_cast<int>(p.activation),
         ", must be 0 (none), 1 (relu), 2 (gelu), 3 (gelu_tanh), 4 (silu) or 5 (swiglu)");
  e.bias = p.bias;
  e.activation = p.activation;
  e.scale = p.output_scale;
  const bool residual = p.residual != nullptr;
  if (e.nothing() && !residual) return;
  if (task.is_complex() || task.c.type == DataType::i32)
    fail(Status::invalid_argument, "a bias, an activation, an output_scale and a residual are for real types; C is ",
         name_of(task.c.type));
  if (e.activation == Activation::swiglu) {
    if (p.layout != Layout::row_major)
      fail(Status::invalid_argument,
           "activation is swiglu, which pairs columns of row-major matrices; layout is "
           "column-major");
    if (p.n % 2)
      fail(Status::invalid_argument, "n is ", p.n, ", must be even for swiglu, which makes one column of two");
    if (p.beta_real != 0)
      fail(Status::invalid_argument, "beta_real is ", p.beta_real,
           ", must be 0 for swiglu, whose C has half the columns of the product");
  }
  if (e.bias != Bias::none) {
    const DataType type = p.bias_type == DataType::none ? task.c.type : p.bias_type;
    if (type != task.c.type && type != DataType::f32)
      fail(Status::invalid_argument, "bias_type is ", static_cast<int>(type), " (", name_of(type), "), must be ",
           name_of(task.c.type), task.c.type == DataType::f32 ? "" : " or f32");
    e.bias_values.type = type;
    e.bias_values.lines = 1;
    e.bias_values.length = static_cast<std::uint64_t>(e.bias == Bias::per_row ? p.m : p.n);
    e.bias_values.ld = e.bias_values.length;
    e.bias_values.offset = static_cast<std::uint64_t>(p.bias_offset);
  }
}

// Sums the groups up against m.
void settle_groups(const GemmProblem &p, GemmTask &task) {
  if (p.group_rows.empty()) return;
  if (p.batch_count != 1)
    fail(Status::invalid_argument, "batch_count is ", p.batch_count, ", must be 1 for a grouped product");
  Wide sum = 0;
  for (std::size_t g = 0; g < p.group_rows.size(); ++g) {
    if (p.group_rows[g] < 0)
      fail(Status::invalid_argument, "group_rows[", g, "] is ", p.group_rows[g], ", must be 0 or more");
    sum += static_cast<Wide>(p.group_rows[g]);
    task.group_rows.push_back(static_cast<std::uint64_t>(p.group_rows[g]));
  }
  if (sum != static_cast<Wide>(p.m))
    fail(Status::invalid_argument, "group_rows sum up to ", static_cast<std::uint64_t>(sum), ", must be m, ", p.m);
}

// A rows x columns matrix as it lies in memory.
// `ldname` is that of its leading dimension in messages.
void place(GemmOperand &operand, const char *ldname, const GemmProblem &p, std::int64_t rows, std::int64_t columns,
           Transpose transpose, std::int64_t ld, std::int64_t offset, std::int64_t stride, bool is_complex) {
  const bool lines_are_rows = (p.layout == Layout::row_major) == (transpose == Transpose::none);
  operand.lines = static_cast<std::uint64_t>(lines_are_rows ? rows : columns);
  operand.length = static_cast<std::uint64_t>(lines_are_rows ? columns : rows);
  const std::uint64_t least = std::max<std::uint64_t>(operand.length, 1);
  operand.ld = ld == 0 ? least : static_cast<std::uint64_t>(ld);
  if (operand.ld < least) {
    const char matrix = ldname[2];
    const std::string how = matrix == 'a' || matrix == 'b'
                                ? text(", ", static_cast<char>(matrix - 'a' + 'A'),
                                       transpose == Transpose::none ? " not transposed" : " transposed")
                                : std::string();
    fail(Status::invalid_argument, ldname, " is ", ld, ", must be >= ", least, " (", layout_name(p.layout), how, ")");
  }
  operand.offset = static_cast<std::uint64_t>(offset);
  operand.stride = static_cast<std::uint64_t>(stride);
  // To a real type the conjugate transpose is the transpose.
  operand.transpose = transpose == Transpose::conj && !is_complex ? Transpose::trans : transpose;
}

// Where the matrices end, if they have elements. What passes here fits 64 bits in bytes too.
void find_end(const char *name, GemmOperand &operand, std::uint64_t batch_count) {
  const std::size_t element = size_of(operand.type);
  if (operand.lines == 0 || operand.length == 0) return;
  const Wide end = Wide(operand.offset) + Wide(batch_count - 1) * operand.stride +
                   Wide(operand.lines - 1) * operand.ld + operand.length;
  if (end > Wide(INT64_MAX) / element)
    fail(Status::overflow, "the end of ", name, " does not fit 64 bits: ", name, "_offset ", operand.offset, " + ",
         batch_count - 1, " * ", name, "_stride ", operand.stride, " + ", operand.lines - 1, " * ",
         name[1] ? "ld " : text("ld", name, " "), operand.ld, " + ", operand.length, " elements of ", element,
         " bytes");
  operand.end = static_cast<std::uint64_t>(end);
}

// Products may lie one after the other, or side by side within the leading dimension.
void check_products_apart(const GemmOperand &c, std::uint64_t batch_count) {
  if (batch_count < 2) return;
  const Wide extent = Wide(c.lines - 1) * c.ld + c.length;
  if (c.stride >= extent) return;
  if (c.stride >= c.length && Wide(batch_count - 1) * c.stride + c.length <= c.ld) return;
  fail(Status::invalid_argument, "c_stride is ", c.stride, ", must be >= ", static_cast<std::uint64_t>(extent),
       " so that the ", batch_count, " products of the batch do not overlap in c");
}

std::complex<double> rounded(double real, double imaginary, bool is_double) {
  if (is_double) return {real, imaginary};
  return {static_cast<double>(static_cast<float>(real)), static_cast<double>(static_cast<float>(imaginary))};
}

// Binds one matrix and moves its offsets from the slice to the memory object.
void bind(const char *name, GemmOperand &operand, Queue &queue, Buffer &buffer) {
  const std::size_t element = size_of(operand.type);
  if (&buffer.context() != &queue.context())
    fail(Status::context_mismatch, "queue and ", name, " are of different contexts");
  if (operand.end == 0) return;  // empty, or not read
  const std::uint64_t bytes = operand.end * element;
  if (bytes > buffer.size())
    fail(Status::out_of_range, name, " reaches byte ", bytes, " of its buffer, which has ", buffer.size(), " (", name,
         "_offset ", operand.offset, ", leading dimension ", operand.ld, ", ", operand.lines, " lines of ",
         operand.length, " elements of ", element, " bytes)");
  if (buffer.offset() % element)
    fail(Status::misaligned, name, " is a slice that starts at byte ", buffer.offset(),
         " of its buffer, must be a multiple of ", element, ", the size of ", name_of(operand.type));
  operand.buffer = &buffer;
  operand.offset += buffer.offset() / element;
  operand.end += buffer.offset() / element;
}

void check_apart(const GemmOperand &c, const char *name, const GemmOperand &other) {
  if (!other.buffer || !c.buffer || c.buffer->root() != other.buffer->root()) return;
  const std::uint64_t c_size = size_of(c.type), size = size_of(other.type);
  if (c.offset * c_size >= other.end * size || other.offset * size >= c.end * c_size) return;
  fail(Status::overlap, "c shares bytes with ", name, ": c has bytes ", c.offset * c_size, " to ", c.end * c_size,
       " and ", name, " bytes ", other.offset * size, " to ", other.end * size, " of one buffer");
}

}  // namespace

GemmTask make_gemm_task(const GemmProblem &p) {
  GemmTask task;
  settle_types(p, task);
  check_enums(p);
  check_numbers(p, task);
  settle_epilogue(p, task);
  settle_groups(p, task);
  task.m = static_cast<std::uint64_t>(p.m);
  task.n = static_cast<std::uint64_t>(p.n);
  task.k = static_cast<std::uint64_t>(p.k);
  task.batch_count = static_cast<std::uint64_t>(p.batch_count);
  task.alpha = rounded(p.alpha_real, p.alpha_imag, task.is_double());
  task.beta = rounded(p.beta_real, p.beta_imag, task.is_double());
  const bool is_complex = task.is_complex();
  const std::int64_t c_columns = p.activation == Activation::swiglu ? p.n / 2 : p.n;
  place(task.a, "lda", p, p.m, p.k, p.transpose_a, p.lda, p.a_offset, p.a_stride, is_complex);
  place(task.b, "ldb", p, p.k, p.n, p.transpose_b, p.ldb, p.b_offset, p.b_stride, is_complex);
  place(task.c, "ldc", p, p.m, c_columns, Transpose::none, p.ldc, p.c_offset, p.c_stride, is_complex);
  GemmEpilogue &e = task.epilogue;
  if (p.residual) {
    e.residual.type = task.c.type;
    place(e.residual, "residual_ld", p, p.m, c_columns, Transpose::none, p.residual_ld, p.residual_offset,
          p.residual_stride, is_complex);
  }
  if (!task.nothing_to_do()) {
    if (!task.only_scales()) {
      find_end("a", task.a, task.batch_count);
      find_end("b", task.b, task.group_rows.empty() ? task.batch_count : task.group_rows.size());
    }
    find_end("c", task.c, task.batch_count);
    if (e.bias != Bias::none) find_end("bias", e.bias_values, 1);
    if (p.residual) find_end("residual", e.residual, task.batch_count);
    check_products_apart(task.c, task.batch_count);
  }
  if (p.layout == Layout::column_major) {
    // In memory, a column-major matrix is its row-major transpose, and C^T = op(B)^T * op(A)^T: the same flags serve.
    std::swap(task.a, task.b);
    std::swap(task.m, task.n);
    task.groups_are_columns = true;
    if (e.bias != Bias::none) e.bias = e.bias == Bias::per_row ? Bias::per_column : Bias::per_row;
  }
  return task;
}

void bind_gemm_buffers(GemmTask &task, const GemmProblem &problem, Queue &queue, Buffer *a, Buffer *b, Buffer &c) {
  const bool swapped = problem.layout == Layout::column_major;
  GemmOperand &task_a = swapped ? task.b : task.a, &task_b = swapped ? task.a : task.b;
  GemmEpilogue &e = task.epilogue;
  const bool computes = !task.nothing_to_do(), reads = computes && !task.only_scales();
  if (reads && !a) fail(Status::null_argument, "a is NULL, but it is read: neither alpha nor k is 0");
  if (reads && !b) fail(Status::null_argument, "b is NULL, but it is read: neither alpha nor k is 0");
  if (e.bias != Bias::none && computes && !problem.bias_buffer)
    fail(Status::null_argument, "bias_buffer is NULL, but bias is ", static_cast<int>(problem.bias));
  if (a) bind("a", task_a, queue, *a);
  if (b) bind("b", task_b, queue, *b);
  bind("c", task.c, queue, c);
  if (e.bias != Bias::none && problem.bias_buffer) bind("bias", e.bias_values, queue, *problem.bias_buffer);
  if (problem.residual) bind("residual", e.residual, queue, *problem.residual);
  if (!computes) return;
  if (reads) {
    check_apart(task.c, "a", task_a);
    check_apart(task.c, "b", task_b);
  }
  if (e.bias != Bias::none) check_apart(task.c, "bias", e.bias_values);
  // A residual may be C itself, element for element.
  const GemmOperand &r = e.residual;
  if (e.has_residual() && !(r.buffer->root() == task.c.buffer->root() && r.offset == task.c.offset &&
                            r.ld == task.c.ld && r.stride == task.c.stride))
    check_apart(task.c, "residual", r);
}

}  // namespace gpucompute
