#version 460
#extension GL_GOOGLE_include_directive : require

// attention_back_kv_tile for devices where every load is dear: a workgroup takes ROWS rows of dkv
// for a key/value head, a lane one of several neighbours among whose heirs are all of the others'.
// All it sums is in registers. Aligned quads only.

#define DEFAULT_LANES 8
#include "tensor.glsl"

layout(push_constant) uniform push { push_attention p; };
READ(0, q)
READ(1, kv)
layout(binding = 2) readonly buffer start_buffer { uint starts[]; };
layout(binding = 3) readonly buffer list_buffer { uint list[]; };
layout(binding = 4) readonly buffer lse_buffer { float lse[]; };
READ(5, result)
layout(binding = 6) readonly buffer delta_buffer { float deltas[]; };
WRITE(7, dkv)
#include "share.glsl"
#include "chain.glsl"

void inherit(uint first, uint num, uint group)
{
    uint heads = p.heads / p.kv_heads, to_values = p.kv_heads * QUADS;
    uint row = first + min(gl_SubgroupInvocationID, num - 1);
    uint own = begin_of(row), own_end = begin_of(row + 1);
    uint at = element(p.kv, row, group * p.head_dim) / 4;
    vec4 key[QUADS], value[QUADS], dkey[QUADS], dvalue[QUADS];
    [[unroll]] for (uint i = 0; i < QUADS; i++) {
        key[i] = p.scale * kv_4[at + i];
        value[i] = kv_4[at + to_values + i];
        dkey[i] = dvalue[i] = vec4(0);
    }
    uint begin = begin_of(first), items = (begin_of(first + 1) - begin) * heads;
    for (uint item = 0; item < items; item++) { // heirs by heads of the group
        uint heir = list_at(begin + item / heads), head = group * heads + item % heads;
        uint query_at = element(p.q, heir, head * p.head_dim) / 4;
        uint gradient_at = element(p.result, heir, head * p.head_dim) / 4;
        vec4 query[SHARE], gradient[SHARE], scores = vec4(0), gradients = vec4(0);
        [[unroll]] for (uint i = 0; i < SHARE; i++) {
            query[i] = q_4[query_at + share_quad(i)];
            gradient[i] = result_4[gradient_at + share_quad(i)];
        }
        [[unroll]] for (uint i = 0; i < QUADS; i++) {
            scores += share_get(query, i) * key[i];
            gradients += share_get(gradient, i) * value[i];
        }
        bool is_own = own < own_end && list_at(min(own, own_end - 1)) == heir;
        own += is_own && item % heads == heads - 1 ? 1 : 0;
        float weight = exp(sum4(scores) - lse[element(p.lse, heir, head)]);
        float change = p.scale * weight * (sum4(gradients) - deltas[element(p.delta, heir, head)]);
        weight = is_own ? weight : 0.0;
        change = is_own ? change : 0.0;
        [[unroll]] for (uint i = 0; i < QUADS; i++) {
            dkey[i] += change * share_get(query, i);
            dvalue[i] += weight * share_get(gradient, i);
        }
    }
    if (gl_SubgroupInvocationID >= num)
        return;
    uint to = element(p.dkv, row, group * p.head_dim) / 4;
    [[unroll]] for (uint i = 0; i < QUADS; i++) {
        dkv_4[to + i] = dkey[i];
        dkv_4[to + to_values + i] = dvalue[i];
    }
}

void main()
{
    uint group = gl_WorkGroupID.y;
    for (uint block = row_first() * ROWS; block < p.rows; block += row_step() * ROWS) {
        uint end = min(block + ROWS, p.rows);
        for (uint first = block, num; first < end; first += num) {
            num = family_rows(first, end);
            inherit(first, num, group);
        }
    }
}
