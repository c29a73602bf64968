#version 460
#extension GL_GOOGLE_include_directive : require

// Backward of attention to the queries: with w_j = exp(scale q k_j - lse) and dw_j = dout v_j,
//   delta = sum_j w_j dw_j,  dq = scale (sum_j w_j dw_j k_j - delta sum_j w_j k_j)
//   q, dq, result (dout) [R, H E], kv [all, 2G E], start [R + 1], path [..], lse, delta [R, H]
//   a workgroup a (row, head)

#include "tensor.glsl"
#include "attention.glsl"

layout(push_constant) uniform push { push_attention p; };
READ(0, q)
READ(1, kv)
layout(binding = 2) readonly buffer start_buffer { uint starts[]; };
layout(binding = 3) readonly buffer path_buffer { uint path[]; };
layout(binding = 4) readonly buffer lse_buffer { float lse[]; };
READ(5, result)
WRITE(6, dq)
layout(binding = 7) writeonly buffer delta_buffer { float deltas[]; };

shared vec2 weights[LANES]; // w_j, w_j dw_j
shared uint keys[LANES];

vec2 weigh(uint row, uint head, uint key)
{
    uint value = key + p.kv_heads * p.head_dim, first = head * p.head_dim;
    vec4 scores = vec4(0), gradients = vec4(0);
    for (uint col = 0; col < p.head_dim; col += 4) {
        uint left = p.head_dim - col;
        scores += q_load(element(p.q, row, first + col), left) * kv_load(key + col, left);
        vec4 gradient = result_load(element(p.result, row, first + col), left);
        gradients += gradient * kv_load(value + col, left);
    }
    float weight = exp(p.scale * sum4(scores) - lse[element(p.lse, row, head)]);
    return weight * vec2(1.0, sum4(gradients));
}

void attend(uint row, uint head)
{
    uint lane = gl_LocalInvocationID.x, end = starts[element(p.start, row + 1, 0)];
    uint group_col = head * p.kv_heads / p.heads * p.head_dim;
    float delta = 0.0;
    vec4 plain[ATTENTION_QUADS], weighted[ATTENTION_QUADS];
    [[unroll]] for (uint i = 0; i < ATTENTION_QUADS; i++)
        plain[i] = weighted[i] = vec4(0);
    for (uint tile = starts[element(p.start, row, 0)]; tile < end; tile += LANES) {
        uint num = min(LANES, end - tile);
        if (lane < num) {
            keys[lane] = element(p.kv, path[element(p.list, tile + lane, 0)], group_col);
            weights[lane] = weigh(row, head, keys[lane]);
        }
        barrier();
        for (uint j = 0; j < num; j++) {
            vec2 w = weights[j];
            delta += w.y;
            [[unroll]] for (uint i = 0; i < ATTENTION_QUADS; i++) {
                uint col = attention_col(i);
                vec4 key = col < p.head_dim ? kv_load(keys[j] + col, p.head_dim - col) : vec4(0);
                plain[i] += w.x * key;
                weighted[i] += w.y * key;
            }
        }
        barrier(); // before the next tile overwrites it
    }
    [[unroll]] for (uint i = 0; i < ATTENTION_QUADS; i++) {
        uint col = attention_col(i);
        if (col < p.head_dim)
            dq_store(element(p.dq, row, head * p.head_dim + col), p.head_dim - col,
                     p.scale * (weighted[i] - delta * plain[i]));
    }
    if (lane == 0)
        deltas[element(p.delta, row, head)] = delta;
}

void main()
{
    for (uint row = row_first(); row < p.rows; row += row_step())
        attend(row, gl_WorkGroupID.y);
}
