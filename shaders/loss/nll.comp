#version 460
#extension GL_GOOGLE_include_directive : require

// -ln p(label_i) under the logits row row_i, for the items whose rows are bound.
//   logits [num, V] (rows first .. first + num - 1), row, label [I]
//   result [I, 2]: the NLL, and 1 where the label is the arg-max; a workgroup an item

#include "tensor.glsl"
#include "reduce.glsl"
#include "softmax.glsl"

layout(push_constant) uniform push { push_nll p; };
READ(0, logits)
layout(binding = 1) readonly buffer row_buffer { uint rows[]; };
layout(binding = 2) readonly buffer label_buffer { uint labels[]; };
layout(binding = 3) writeonly buffer result_buffer { float result[]; };
#include "nll.glsl"

void main()
{
    for (uint i = row_first(); i < p.items; i += row_step()) {
        uint row = rows[element(p.row, i, 0)] - p.first;
        if (row >= p.num)
            continue;
        nll n = nll_of_row(row, labels[element(p.label, i, 0)]);
        if (gl_LocalInvocationID.x == 0) {
            result[element(p.result, i, 0)] = n.value;
            result[element(p.result, i, 1)] = n.hit;
        }
    }
}
