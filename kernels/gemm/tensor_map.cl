// Writes a tensor map: what the copy engine of Hopper has to know of a matrix. Its 128 bytes are opaque, but there are
// instructions that fill in their fields.
//
// Index map. One group of 32; item 0 fills in, 16 items copy.
#include "gemm/nvidia_ptx.clh"

#define replace(field, type, ordinal, constraint, value)                                              \
  asm volatile("//@sm_90a tensormap.replace.tile." field ".shared::cta.b1024." type " [%0], " ordinal \
               "%1;" ::"r"(map),                                                                      \
               constraint(value)                                                                      \
               : "memory")
#define replace_constant(field, value)                                                                        \
  asm volatile("//@sm_90a tensormap.replace.tile." field ".shared::cta.b1024.b32 [%0], " value ";" ::"r"(map) \
               : "memory")

// x runs along a line of the matrix; lines are y_bytes apart and matrices z_bytes. The box is that of one copy; in
// local memory its lines are 128 bytes and swizzled, or of any length and one after the other. `type` counts as PTX
// does: 0 u8, 3 s32, 6 f16, 7 f32, 9 f64, 10 bf16, 11 tf32.
kernel __attribute__((reqd_work_group_size(32, 1, 1))) void tensor_map(global ulong *maps, long at,
                                                                       global uchar *memory, long offset_bytes, long x,
                                                                       long y, long z, long y_bytes, long z_bytes,
                                                                       long box_x, long box_y, long type,
                                                                       long swizzled) {
  local __attribute__((aligned(128))) ulong fields[16];
  const int i = (int)get_local_id(0);
  if (i < 16) fields[i] = 0;
  barrier(CLK_LOCAL_MEM_FENCE);
  const uint map = local_address(fields);
  if (i == 0) {
    global uchar *start = memory + offset_bytes;
    replace("global_address", "b64", "", "l", start);
    replace_constant("rank", "2");
    replace("global_dim", "b32", "0, ", "r", (uint)x);
    replace("global_dim", "b32", "1, ", "r", (uint)y);
    replace("global_dim", "b32", "2, ", "r", (uint)z);
    replace("global_stride", "b64", "0, ", "l", y_bytes);
    replace("global_stride", "b64", "1, ", "l", z_bytes);
    replace("box_dim", "b32", "0, ", "r", (uint)box_x);
    replace("box_dim", "b32", "1, ", "r", (uint)box_y);
    replace("box_dim", "b32", "2, ", "r", 1u);
    replace("element_stride", "b32", "0, ", "r", 1u);
    replace("element_stride", "b32", "1, ", "r", 1u);
    replace("element_stride", "b32", "2, ", "r", 1u);
    // The element type must be a constant of the instruction.
    if (type == 0) replace_constant("elemtype", "0");
    if (type == 3) replace_constant("elemtype", "3");
    if (type == 6) replace_constant("elemtype", "6");
    if (type == 7) replace_constant("elemtype", "7");
    if (type == 9) replace_constant("elemtype", "9");
    if (type == 10) replace_constant("elemtype", "10");
    if (type == 11) replace_constant("elemtype", "11");
    replace_constant("interleave_layout", "0");
    if (swizzled) replace_constant("swizzle_mode", "3");
    if (!swizzled) replace_constant("swizzle_mode", "0");
    replace_constant("fill_mode", "0");
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  if (i < 16) maps[at / 8 + i] = fields[i];
}
