#version 460
#extension GL_GOOGLE_include_directive : require

// attention_tile for devices where every load is dear: a workgroup takes ROWS rows for a key/value
// head, a lane a (row, query head), its query and sums in registers. Aligned quads only.

#define DEFAULT_LANES 8
#include "tensor.glsl"

layout(push_constant) uniform push { push_attention p; };
READ(0, q)
READ(1, kv)
layout(binding = 2) readonly buffer start_buffer { uint starts[]; };
layout(binding = 3) readonly buffer list_buffer { uint list[]; };
WRITE(4, result)
layout(binding = 5) writeonly buffer lse_buffer { float lse[]; };
#include "share.glsl"
#include "chain.glsl"

void attend(chain_lane lane, uint group)
{
    uint to_values = p.kv_heads * QUADS;
    uint q_at = element(p.q, lane.row, lane.head * p.head_dim) / 4;
    float maximum = -3.4e38, sum = 0.0;
    vec4 query[QUADS], values[QUADS];
    [[unroll]] for (uint i = 0; i < QUADS; i++) {
        query[i] = p.scale * q_4[q_at + i];
        values[i] = vec4(0);
    }
    for (uint j = 0; j < lane.num; j++) {
        uint at = element(p.kv, list_at(lane.begin + j), group * p.head_dim) / 4;
        vec4 key[SHARE], value[SHARE], products = vec4(0);
        [[unroll]] for (uint i = 0; i < SHARE; i++) {
            key[i] = kv_4[at + share_quad(i)];
            value[i] = kv_4[at + to_values + share_quad(i)];
        }
        [[unroll]] for (uint i = 0; i < QUADS; i++)
            products += query[i] * share_get(key, i);
        bool is_own = j < lane.own;
        float score = is_own ? sum4(products) : -3.4e38, before = maximum;
        maximum = max(before, score);
        float shrink = exp(before - maximum), weight = is_own ? exp(score - maximum) : 0.0;
        sum = sum * shrink + weight;
        [[unroll]] for (uint i = 0; i < QUADS; i++)
            values[i] = values[i] * shrink + weight * share_get(value, i);
    }
    if (!lane.stores)
        return;
    uint result_at = element(p.result, lane.row, lane.head * p.head_dim) / 4;
    [[unroll]] for (uint i = 0; i < QUADS; i++)
        result_4[result_at + i] = values[i] / sum;
    lse[element(p.lse, lane.row, lane.head)] = maximum + log(sum);
}

void main()
{
    attend_rows();
}
