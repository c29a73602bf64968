#version 460
#extension GL_GOOGLE_include_directive : require

// KL(p || q) of each row, p = softmax(logits), q = exp(reference).
//   logits, reference [R, V], result [R]; a workgroup a row

#include "tensor.glsl"
#include "reduce.glsl"
#include "softmax.glsl"

layout(push_constant) uniform push { push_kl p; };
READ(0, logits)
READ(1, reference)
layout(binding = 2) writeonly buffer result_buffer { float result[]; };
#include "kl.glsl"

void main()
{
    for (uint row = row_first(); row < p.rows; row += row_step()) {
        kl k = kl_of_row(row);
        if (gl_LocalInvocationID.x == 0)
            result[element(p.result, row, 0)] = k.value;
    }
}
