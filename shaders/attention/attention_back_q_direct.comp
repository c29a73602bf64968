#version 460
#extension GL_GOOGLE_include_directive : require

// attention_back_q_tile for devices where every load is dear: a workgroup takes ROWS rows for a
// key/value head, a lane a (row, query head), all it sums in registers. Aligned quads only.

#define DEFAULT_LANES 8
#include "tensor.glsl"

layout(push_constant) uniform push { push_attention p; };
READ(0, q)
READ(1, kv)
layout(binding = 2) readonly buffer start_buffer { uint starts[]; };
layout(binding = 3) readonly buffer list_buffer { uint list[]; };
layout(binding = 4) readonly buffer lse_buffer { float lse[]; };
READ(5, result)
WRITE(6, dq)
layout(binding = 7) writeonly buffer delta_buffer { float deltas[]; };
#include "share.glsl"
#include "chain.glsl"

void attend(chain_lane lane, uint group)
{
    uint to_values = p.kv_heads * QUADS;
    uint q_at = element(p.q, lane.row, lane.head * p.head_dim) / 4;
    uint result_at = element(p.result, lane.row, lane.head * p.head_dim) / 4;
    float row_lse = lse[element(p.lse, lane.row, lane.head)], delta = 0.0;
    vec4 query[QUADS], gradient[QUADS], plain[QUADS], weighted[QUADS];
    [[unroll]] for (uint i = 0; i < QUADS; i++) {
        query[i] = p.scale * q_4[q_at + i];
        gradient[i] = result_4[result_at + i];
        plain[i] = weighted[i] = vec4(0);
    }
    for (uint j = 0; j < lane.num; j++) {
        uint at = element(p.kv, list_at(lane.begin + j), group * p.head_dim) / 4;
        vec4 key[SHARE], value[SHARE], scores = vec4(0), gradients = vec4(0);
        [[unroll]] for (uint i = 0; i < SHARE; i++) {
            key[i] = kv_4[at + share_quad(i)];
            value[i] = kv_4[at + to_values + share_quad(i)];
        }
        [[unroll]] for (uint i = 0; i < QUADS; i++) {
            scores += query[i] * share_get(key, i);
            gradients += gradient[i] * share_get(value, i);
        }
        float weight = j < lane.own ? exp(sum4(scores) - row_lse) : 0.0;
        float change = weight * sum4(gradients);
        delta += change;
        [[unroll]] for (uint i = 0; i < QUADS; i++) {
            vec4 k = share_get(key, i);
            plain[i] += weight * k;
            weighted[i] += change * k;
        }
    }
    if (!lane.stores)
        return;
    uint dq_at = element(p.dq, lane.row, lane.head * p.head_dim) / 4;
    [[unroll]] for (uint i = 0; i < QUADS; i++)
        dq_4[dq_at + i] = p.scale * (weighted[i] - delta * plain[i]);
    deltas[element(p.delta, lane.row, lane.head)] = delta;
}

void main()
{
    attend_rows();
}
