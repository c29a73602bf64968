#version 460
#extension GL_GOOGLE_include_directive : require

// attention_back_q_tile for devices where every load is dear: a lane a row and HEADS heads that
// share keys and values, all it sums in registers. Aligned quads only.

#define DEFAULT_LANES 8
#include "tensor.glsl"

layout(constant_id = 2) const uint QUADS = 4; // of a head: the op says how many
layout(constant_id = 3) const uint HEADS = 1;
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
    uint q_at = element(p.q, row, head * p.head_dim) / 4;
    uint result_at = element(p.result, row, head * p.head_dim) / 4;
    uint dq_at = element(p.dq, row, head * p.head_dim) / 4;
    float row_lse[HEADS], delta[HEADS];
    vec4 query[HEADS][QUADS], gradient[HEADS][QUADS], plain[HEADS][QUADS], weighted[HEADS][QUADS];
    [[unroll]] for (uint h = 0; h < HEADS; h++) {
        row_lse[h] = lse[element(p.lse, row, head + h)];
        delta[h] = 0.0;
        [[unroll]] for (uint i = 0; i < QUADS; i++) {
            query[h][i] = p.scale * q_4[q_at + h * QUADS + i];
            gradient[h][i] = result_4[result_at + h * QUADS + i];
            plain[h][i] = weighted[h][i] = vec4(0);
        }
    }
    for (uint j = first; j < end; j++) {
        uint at = element(p.kv, path[element(p.list, j, 0)], group_col) / 4;
        vec4 key[QUADS], scores[HEADS], gradients[HEADS];
        [[unroll]] for (uint h = 0; h < HEADS; h++)
            scores[h] = gradients[h] = vec4(0);
        [[unroll]] for (uint i = 0; i < QUADS; i++) {
            vec4 value = kv_4[at + p.kv_heads * QUADS + i];
            key[i] = kv_4[at + i];
            [[unroll]] for (uint h = 0; h < HEADS; h++) {
                scores[h] += query[h][i] * key[i];
                gradients[h] += gradient[h][i] * value;
            }
        }
        [[unroll]] for (uint h = 0; h < HEADS; h++) {
            float weight = exp(sum4(scores[h]) - row_lse[h]), change = weight * sum4(gradients[h]);
            delta[h] += change;
            [[unroll]] for (uint i = 0; i < QUADS; i++) {
                plain[h][i] += weight * key[i];
                weighted[h][i] += change * key[i];
            }
        }
    }
    [[unroll]] for (uint h = 0; h < HEADS; h++) {
        [[unroll]] for (uint i = 0; i < QUADS; i++)
            dq_4[dq_at + h * QUADS + i] = p.scale * (weighted[h][i] - delta[h] * plain[h][i]);
        deltas[element(p.delta, row, head + h)] = delta[h];
    }
}

void main()
{
    uint blocks = p.heads / HEADS;
    for (uint i = gl_GlobalInvocationID.x; i < p.rows * blocks; i += LANES * gl_NumWorkGroups.x)
        attend(i / blocks, i % blocks * HEADS);
}
