#version 460
#extension GL_GOOGLE_include_directive : require

// Attention along paths: out_h = sum_j w_j v_g(j), w = softmax_j(scale q_h k_g(j)), j in the row's
// path, g = h G / H; lse = log sum exp. Online softmax (Milakov, Gimelshein 2018) in path order.
//   q, result [R, H E], kv [all, 2G E]: keys, then values, start [R + 1], path [..], lse [R, H]
//   a workgroup a (row, head)

#include "tensor.glsl"
#include "attention.glsl"

layout(push_constant) uniform push { push_attention p; };
READ(0, q)
READ(1, kv)
layout(binding = 2) readonly buffer start_buffer { uint starts[]; };
layout(binding = 3) readonly buffer path_buffer { uint path[]; };
WRITE(4, result)
layout(binding = 5) writeonly buffer lse_buffer { float lse[]; };

shared float scores[LANES];
shared uint keys[LANES]; // where each entry's key begins

float score(uint query, uint key)
{
    vec4 sums = vec4(0);
    for (uint col = 0; col < p.head_dim; col += 4)
        sums += q_load(query + col, p.head_dim - col) * kv_load(key + col, p.head_dim - col);
    return p.scale * sum4(sums);
}

void attend(uint row, uint head)
{
    uint lane = gl_LocalInvocationID.x, end = starts[element(p.start, row + 1, 0)];
    uint group_col = head * p.kv_heads / p.heads * p.head_dim;
    float maximum = -3.4e38, sum = 0.0;
    vec4 values[ATTENTION_QUADS];
    [[unroll]] for (uint i = 0; i < ATTENTION_QUADS; i++)
        values[i] = vec4(0);
    for (uint tile = starts[element(p.start, row, 0)]; tile < end; tile += LANES) {
        uint num = min(LANES, end - tile);
        if (lane < num) {
            keys[lane] = element(p.kv, path[element(p.list, tile + lane, 0)], group_col);
            scores[lane] = score(element(p.q, row, head * p.head_dim), keys[lane]);
        }
        barrier();
        float before = maximum;
        for (uint j = 0; j < num; j++)
            maximum = max(maximum, scores[j]);
        float shrink = exp(before - maximum);
        sum *= shrink;
        [[unroll]] for (uint i = 0; i < ATTENTION_QUADS; i++)
            values[i] *= shrink;
        for (uint j = 0; j < num; j++) {
            float weight = exp(scores[j] - maximum);
            uint value = keys[j] + p.kv_heads * p.head_dim;
            sum += weight;
            [[unroll]] for (uint i = 0; i < ATTENTION_QUADS; i++) {
                uint col = attention_col(i);
                if (col < p.head_dim)
                    values[i] += weight * kv_load(value + col, p.head_dim - col);
            }
        }
        barrier(); // before the next tile overwrites it
    }
    [[unroll]] for (uint i = 0; i < ATTENTION_QUADS; i++) {
        uint col = attention_col(i);
        if (col < p.head_dim)
            result_store(element(p.result, row, head * p.head_dim + col), p.head_dim - col,
                         values[i] / sum);
    }
    if (lane == 0)
        lse[element(p.lse, row, head)] = maximum + log(sum);
}

void main()
{
    for (uint row = row_first(); row < p.rows; row += row_step())
        attend(row, gl_WorkGroupID.y);
}
