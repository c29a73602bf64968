#version 460
#extension GL_GOOGLE_include_directive : require

// attention_tile for devices where every load is dear: a lane a row and HEADS heads that share keys
// and values, its queries and sums in registers. Aligned quads only.

#define DEFAULT_LANES 8
#include "tensor.glsl"

layout(constant_id = 2) const uint QUADS = 4; // of a head: the op says how many
layout(constant_id = 3) const uint HEADS = 1;
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
    uint q_at = element(p.q, row, head * p.head_dim) / 4;
    uint result_at = element(p.result, row, head * p.head_dim) / 4;
    float maximum[HEADS], sum[HEADS];
    vec4 query[HEADS][QUADS], values[HEADS][QUADS];
    [[unroll]] for (uint h = 0; h < HEADS; h++) {
        maximum[h] = -3.4e38;
        sum[h] = 0.0;
        [[unroll]] for (uint i = 0; i < QUADS; i++) {
            query[h][i] = p.scale * q_4[q_at + h * QUADS + i];
            values[h][i] = vec4(0);
        }
    }
    for (uint j = first; j < end; j++) {
        uint key = element(p.kv, path[element(p.list, j, 0)], group_col) / 4;
        vec4 products[HEADS];
        [[unroll]] for (uint h = 0; h < HEADS; h++)
            products[h] = vec4(0);
        [[unroll]] for (uint i = 0; i < QUADS; i++) {
            vec4 k = kv_4[key + i];
            [[unroll]] for (uint h = 0; h < HEADS; h++)
                products[h] += query[h][i] * k;
        }
        float weight[HEADS], shrink[HEADS];
        [[unroll]] for (uint h = 0; h < HEADS; h++) {
            float score = sum4(products[h]), before = maximum[h];
            maximum[h] = max(maximum[h], score);
            shrink[h] = exp(before - maximum[h]);
            weight[h] = exp(score - maximum[h]);
            sum[h] = sum[h] * shrink[h] + weight[h];
        }
        [[unroll]] for (uint i = 0; i < QUADS; i++) {
            vec4 v = kv_4[key + p.kv_heads * QUADS + i];
            [[unroll]] for (uint h = 0; h < HEADS; h++)
                values[h][i] = values[h][i] * shrink[h] + weight[h] * v;
        }
    }
    [[unroll]] for (uint h = 0; h < HEADS; h++) {
        [[unroll]] for (uint i = 0; i < QUADS; i++)
            result_4[result_at + h * QUADS + i] = values[h][i] / sum[h];
        lse[element(p.lse, row, head + h)] = maximum[h] + log(sum[h]);
    }
}

void main()
{
    uint blocks = p.heads / HEADS;
    for (uint i = gl_GlobalInvocationID.x; i < p.rows * blocks; i += LANES * gl_NumWorkGroups.x)
        attend(i / blocks, i % blocks * HEADS);
}
