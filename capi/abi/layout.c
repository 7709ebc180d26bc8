/* The layout of every structure of the ABI, frozen. A line that fails here means that old programs would break. */
#include <gpucompute/gpucompute.h>
#include <stddef.h>

#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), "size of " #type)
#define AT(type, field, offset) _Static_assert(offsetof(type, field) == (offset), #type "." #field)

SIZE(gpuc_arg, 24);
AT(gpuc_arg, kind, 0);
AT(gpuc_arg, type, 4);
AT(gpuc_arg, size_bytes, 8);
AT(gpuc_arg, value, 16);

SIZE(gpuc_launch, 88);
AT(gpuc_launch, struct_size, 0);
AT(gpuc_launch, flags, 4);
AT(gpuc_launch, dims, 8);
AT(gpuc_launch, reserved, 12);
AT(gpuc_launch, global, 16);
AT(gpuc_launch, local, 40);
AT(gpuc_launch, offset, 64);

SIZE(gpuc_rect, 112);
AT(gpuc_rect, region, 8);
AT(gpuc_rect, source_origin, 32);
AT(gpuc_rect, source_row_pitch_bytes, 56);
AT(gpuc_rect, source_slice_pitch_bytes, 64);
AT(gpuc_rect, destination_origin, 72);
AT(gpuc_rect, destination_row_pitch_bytes, 96);
AT(gpuc_rect, destination_slice_pitch_bytes, 104);

SIZE(gpuc_text, 24);
AT(gpuc_text, name, 0);
AT(gpuc_text, text, 8);
AT(gpuc_text, size_bytes, 16);

SIZE(gpuc_define, 16);
AT(gpuc_define, name, 0);
AT(gpuc_define, value, 8);

SIZE(gpuc_program_desc, 96);
AT(gpuc_program_desc, sources, 8);
AT(gpuc_program_desc, source_count, 16);
AT(gpuc_program_desc, headers, 24);
AT(gpuc_program_desc, header_count, 32);
AT(gpuc_program_desc, binary, 40);
AT(gpuc_program_desc, binary_size_bytes, 48);
AT(gpuc_program_desc, spirv, 56);
AT(gpuc_program_desc, spirv_size_bytes, 64);
AT(gpuc_program_desc, defines, 72);
AT(gpuc_program_desc, define_count, 80);
AT(gpuc_program_desc, options, 88);

SIZE(gpuc_proque_options, 96);
AT(gpuc_proque_options, device_filter, 8);
AT(gpuc_proque_options, device, 16);
AT(gpuc_proque_options, context, 24);
AT(gpuc_proque_options, source_file, 32);
AT(gpuc_proque_options, options, 40);
AT(gpuc_proque_options, defines, 48);
AT(gpuc_proque_options, define_count, 56);
AT(gpuc_proque_options, queue_flags, 64);
AT(gpuc_proque_options, dims, 68);
AT(gpuc_proque_options, size, 72);

SIZE(gpuc_tune_options, 32);
AT(gpuc_tune_options, type, 8);
AT(gpuc_tune_options, max_size, 12);
AT(gpuc_tune_options, backend, 16);
AT(gpuc_tune_options, seconds, 24);
SIZE(gpuc_gemm_desc, 264);
AT(gpuc_gemm_desc, type, 8);
AT(gpuc_gemm_desc, layout, 12);
AT(gpuc_gemm_desc, transpose_a, 16);
AT(gpuc_gemm_desc, transpose_b, 20);
AT(gpuc_gemm_desc, m, 24);
AT(gpuc_gemm_desc, k, 40);
AT(gpuc_gemm_desc, lda, 48);
AT(gpuc_gemm_desc, a_offset, 72);
AT(gpuc_gemm_desc, batch_count, 96);
AT(gpuc_gemm_desc, a_stride, 104);
AT(gpuc_gemm_desc, alpha_real, 128);
AT(gpuc_gemm_desc, beta_imag, 152);
AT(gpuc_gemm_desc, backend, 160);
AT(gpuc_gemm_desc, b_type, 168);
AT(gpuc_gemm_desc, bias_type, 188);
AT(gpuc_gemm_desc, bias_buffer, 192);
AT(gpuc_gemm_desc, output_scale, 208);
AT(gpuc_gemm_desc, residual, 216);
AT(gpuc_gemm_desc, group_rows, 248);
AT(gpuc_gemm_desc, group_count, 256);

SIZE(gpuc_profile_options, 16);
AT(gpuc_profile_options, max_records, 8);

SIZE(gpuc_array_view, 288);
AT(gpuc_array_view, buffer, 8);
AT(gpuc_array_view, type, 16);
AT(gpuc_array_view, ndim, 20);
AT(gpuc_array_view, offset_bytes, 24);
AT(gpuc_array_view, shape, 32);
AT(gpuc_array_view, strides_bytes, 160);

SIZE(gpuc_matmul_options, 56);
AT(gpuc_matmul_options, alpha_real, 8);
AT(gpuc_matmul_options, beta_real, 24);
AT(gpuc_matmul_options, backend, 40);
AT(gpuc_matmul_options, compute, 48);

/* A translation unit needs something in it. */
typedef int gpuc_layout_is_checked;
