#version 460
#extension GL_GOOGLE_include_directive : require

// Rows from place to place: to[to_at[i]] = from[from_at[i]], or +=, for the i whose rows are both
// bound; an index that is not given is i itself.
//   to [to_num, D] (rows from to_first on), from [from_num, D], to_at, from_at [num]

#include "tensor.glsl"

layout(push_constant) uniform push { push_rows p; };
MODIFY(0, to)
layout(binding = 1) readonly buffer to_at_buffer { uint to_at[]; };
READ(2, from)
layout(binding = 3) readonly buffer from_at_buffer { uint from_at[]; };

void main()
{
    for (uint i = row_first(); i < p.num; i += row_step()) {
        uint target = (p.to_indexed != 0 ? to_at[element(p.to_at, i, 0)] : i) - p.to_first;
        uint source = (p.from_indexed != 0 ? from_at[element(p.from_at, i, 0)] : i) - p.from_first;
        if (target >= p.to_num || source >= p.from_num)
            continue;
        for (uint col = col_first(); col < p.cols; col += col_step()) {
            uint left = p.cols - col, at = element(p.to, target, col);
            vec4 v = from_load(element(p.from, source, col), left);
            if (p.add != 0)
                v += to_load(at, left);
            to_store(at, left, v);
        }
    }
}
