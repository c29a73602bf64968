#version 460
#extension GL_GOOGLE_include_directive : require

// attention_back_q_tile for devices where every load is dear: a lane a (row, head), all it sums in
// registers. Aligned quads only.

#define DEFAULT_LANES 8
#include "tensor.glsl"

layout(constant_id = 2) const uint QUADS = 4; // of a head: the op says how many
layout(push_constant) uniform push { push_attention p; };
READ(0, q)
READ(1, kv)
layout(binding = 2) readonly buffer start_buffer { uint starts[]; };
layout(binding = 3) readonly buffer path_buffer { uint path[]; };
layout(binding = 4) readonly buffer lse_buffer { float lse[]; };
READ(5, result)
WRITE(6, dq)
layout(binding = 7) writeonly buffer delta_buffer { float deltas[]; };

void attend(uint row, uint head)
{
    uint group_col = head * p.kv_heads / p.heads * p.head_dim;
    uint first = starts[element(p.start, row, 0)], end = starts[element(p.start, row + 1, 0)];
    float row_lse = lse[element(p.lse, row, head)], delta = 0.0;
    vec4 query[QUADS], gradient[QUADS], plain[QUADS], weighted[QUADS];
    [[unroll]] for (uint i = 0; i < QUADS; i++) {
        query[i] = p.scale * q_4[element(p.q, row, head * p.head_dim) / 4 + i];
        gradient[i] = result_4[element(p.result, row, head * p.head_dim) / 4 + i];
        plain[i] = weighted[i] = vec4(0);
    }
    for (uint j = first; j < end; j++) {
        uint at = element(p.kv, path[element(p.list, j, 0)], group_col) / 4;
        vec4 key[QUADS], scores = vec4(0), gradients = vec4(0);
        [[unroll]] for (uint i = 0; i < QUADS; i++) {
            key[i] = kv_4[at + i];
            scores += query[i] * key[i];
            gradients += gradient[i] * kv_4[at + p.kv_heads * QUADS + i];
        }
        float weight = exp(sum4(scores) - row_lse), change = weight * sum4(gradients);
        delta += change;
        [[unroll]] for (uint i = 0; i < QUADS; i++) {
            plain[i] += weight * key[i];
            weighted[i] += change * key[i];
        }
    }
    [[unroll]] for (uint i = 0; i < QUADS; i++)
        dq_4[element(p.dq, row, head * p.head_dim) / 4 + i] =
            p.scale * (weighted[i] - delta * plain[i]);
    deltas[element(p.delta, row, head)] = delta;
}

void main()
{
    uint step = LANES * gl_NumWorkGroups.x;
    for (uint i = gl_GlobalInvocationID.x; i < p.rows * p.heads; i += step)
        attend(i / p.heads, i % p.heads);
}
