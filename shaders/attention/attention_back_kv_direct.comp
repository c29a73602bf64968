#version 460
#extension GL_GOOGLE_include_directive : require

// attention_back_kv_tile for devices where every load is dear: a lane a (row of dkv, kv head), all
// it sums in registers. Aligned quads only.

#define DEFAULT_LANES 8
#include "tensor.glsl"

layout(constant_id = 2) const uint QUADS = 4; // of a head: the op says how many
layout(push_constant) uniform push { push_attention p; };
READ(0, q)
READ(1, kv)
layout(binding = 2) readonly buffer start_buffer { uint starts[]; };
layout(binding = 3) readonly buffer heirs_buffer { uint heirs[]; };
layout(binding = 4) readonly buffer lse_buffer { float lse[]; };
READ(5, result)
layout(binding = 6) readonly buffer delta_buffer { float deltas[]; };
WRITE(7, dkv)

void inherit(uint row, uint group) // items: heirs by heads of the group
{
    uint heads = p.heads / p.kv_heads, begin = starts[element(p.start, row, 0)];
    uint items = (starts[element(p.start, row + 1, 0)] - begin) * heads;
    uint at = element(p.kv, row, group * p.head_dim) / 4, to_values = p.kv_heads * QUADS;
    vec4 key[QUADS], value[QUADS], dkey[QUADS], dvalue[QUADS];
    [[unroll]] for (uint i = 0; i < QUADS; i++) {
        key[i] = p.scale * kv_4[at + i];
        value[i] = kv_4[at + to_values + i];
        dkey[i] = dvalue[i] = vec4(0);
    }
    for (uint item = 0; item < items; item++) {
        uint heir = heirs[element(p.list, begin + item / heads, 0)];
        uint head = group * heads + item % heads;
        uint query_at = element(p.q, heir, head * p.head_dim) / 4;
        uint gradient_at = element(p.result, heir, head * p.head_dim) / 4;
        vec4 query[QUADS], gradient[QUADS], scores = vec4(0), gradients = vec4(0);
        [[unroll]] for (uint i = 0; i < QUADS; i++) {
            query[i] = q_4[query_at + i];
            gradient[i] = result_4[gradient_at + i];
            scores += query[i] * key[i];
            gradients += gradient[i] * value[i];
        }
        float weight = exp(sum4(scores) - lse[element(p.lse, heir, head)]);
        float delta = deltas[element(p.delta, heir, head)];
        float change = p.scale * weight * (sum4(gradients) - delta);
        [[unroll]] for (uint i = 0; i < QUADS; i++) {
            dkey[i] += change * query[i];
            dvalue[i] += weight * gradient[i];
        }
    }
    uint to = element(p.dkv, row, group * p.head_dim) / 4;
    [[unroll]] for (uint i = 0; i < QUADS; i++) {
        dkv_4[to + i] = dkey[i];
        dkv_4[to + to_values + i] = dvalue[i];
    }
}

void main()
{
    uint step = LANES * gl_NumWorkGroups.x;
    for (uint i = gl_GlobalInvocationID.x; i < p.rows * p.kv_heads; i += step)
        inherit(i / p.kv_heads, i % p.kv_heads);
}
