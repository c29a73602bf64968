#version 460
#extension GL_GOOGLE_include_directive : require

// attention_tile for devices where every load is dear: a lane a (row, head), its query and its sum
// in registers. Aligned quads only.

#define DEFAULT_LANES 8
#include "tensor.glsl"

layout(constant_id = 2) const uint QUADS = 4; // of a head: the op says how many
layout(push_constant) uniform push { push_attention p; };
READ(0, q)
READ(1, kv)
layout(binding = 2) readonly buffer start_buffer { uint starts[]; };
layout(binding = 3) readonly buffer path_buffer { uint path[]; };
WRITE(4, result)
layout(binding = 5) writeonly buffer lse_buffer { float lse[]; };

void attend(uint row, uint head)
{
    uint group_col = head * p.kv_heads / p.heads * p.head_dim;
    uint first = starts[element(p.start, row, 0)], end = starts[element(p.start, row + 1, 0)];
    float maximum = -3.4e38, sum = 0.0;
    vec4 query[QUADS], values[QUADS];
    [[unroll]] for (uint i = 0; i < QUADS; i++) {
        query[i] = p.scale * q_4[element(p.q, row, head * p.head_dim) / 4 + i];
        values[i] = vec4(0);
    }
    for (uint j = first; j < end; j++) {
        uint key = element(p.kv, path[element(p.list, j, 0)], group_col) / 4;
        uint value = key + p.kv_heads * QUADS;
        vec4 products = vec4(0);
        [[unroll]] for (uint i = 0; i < QUADS; i++)
            products += query[i] * kv_4[key + i];
        float score = sum4(products);
        float before = maximum;
        maximum = max(maximum, score);
        float shrink = exp(before - maximum), weight = exp(score - maximum);
        sum = sum * shrink + weight;
        [[unroll]] for (uint i = 0; i < QUADS; i++)
            values[i] = values[i] * shrink + weight * kv_4[value + i];
    }
    [[unroll]] for (uint i = 0; i < QUADS; i++)
        result_4[element(p.result, row, head * p.head_dim) / 4 + i] = values[i] / sum;
    lse[element(p.lse, row, head)] = maximum + log(sum);
}

void main()
{
    uint step = LANES * gl_NumWorkGroups.x;
    for (uint i = gl_GlobalInvocationID.x; i < p.rows * p.heads; i += step)
        attend(i / p.heads, i % p.heads);
}
