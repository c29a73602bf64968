#version 460
#extension GL_GOOGLE_include_directive : require

// Backward of attention to a row's keys and values: over its heirs r (the rows whose path holds it)
// and the heads h of the group, with w = exp(scale q_h(r) k - lse) and dw = dout_h(r) v,
//   dk = scale sum w (dw - delta_h(r)) q_h(r),  dv = sum w dout_h(r)
//   q, result (dout) [R, H E], kv, dkv [.., 2G E], lse, delta [R, H], start [rows + 1], heirs [..]
//   a workgroup a (row of dkv, kv head)

#include "tensor.glsl"
#include "attention.glsl"

layout(push_constant) uniform push { push_attention p; };
READ(0, q)
READ(1, kv)
layout(binding = 2) readonly buffer start_buffer { uint starts[]; };
layout(binding = 3) readonly buffer heirs_buffer { uint heirs[]; };
layout(binding = 4) readonly buffer lse_buffer { float lse[]; };
READ(5, result)
layout(binding = 6) readonly buffer delta_buffer { float deltas[]; };
WRITE(7, dkv)

shared vec2 weights[LANES]; // w, scale w (dw - delta)
shared uvec2 places[LANES]; // where q and dout begin

vec2 weigh(uint row, uint head, uint key, uvec2 place)
{
    uint value = key + p.kv_heads * p.head_dim;
    vec4 scores = vec4(0), gradients = vec4(0);
    for (uint col = 0; col < p.head_dim; col += 4) {
        uint left = p.head_dim - col;
        scores += q_load(place.x + col, left) * kv_load(key + col, left);
        gradients += result_load(place.y + col, left) * kv_load(value + col, left);
    }
    float weight = exp(p.scale * sum4(scores) - lse[element(p.lse, row, head)]);
    float change = sum4(gradients) - deltas[element(p.delta, row, head)];
    return weight * vec2(1.0, p.scale * change);
}

void inherit(uint row, uint group) // items: heirs by heads of the group
{
    uint lane = gl_LocalInvocationID.x, heads = p.heads / p.kv_heads;
    uint begin = starts[element(p.start, row, 0)];
    uint items = (starts[element(p.start, row + 1, 0)] - begin) * heads;
    vec4 keys[ATTENTION_QUADS], values[ATTENTION_QUADS];
    [[unroll]] for (uint i = 0; i < ATTENTION_QUADS; i++)
        keys[i] = values[i] = vec4(0);
    for (uint tile = 0; tile < items; tile += LANES) {
        uint num = min(LANES, items - tile), item = tile + lane;
        if (lane < num) {
            uint heir = heirs[element(p.list, begin + item / heads, 0)];
            uint head = group * heads + item % heads, col = head * p.head_dim;
            places[lane] = uvec2(element(p.q, heir, col), element(p.result, heir, col));
            weights[lane] = weigh(heir, head, element(p.kv, row, group * p.head_dim), places[lane]);
        }
        barrier();
        for (uint j = 0; j < num; j++)
            [[unroll]] for (uint i = 0; i < ATTENTION_QUADS; i++) {
                uint col = attention_col(i);
                if (col < p.head_dim) {
                    keys[i] += weights[j].y * q_load(places[j].x + col, p.head_dim - col);
                    values[i] += weights[j].x * result_load(places[j].y + col, p.head_dim - col);
                }
            }
        barrier(); // before the next tile overwrites it
    }
    [[unroll]] for (uint i = 0; i < ATTENTION_QUADS; i++) {
        uint col = attention_col(i), at = element(p.dkv, row, group * p.head_dim + col);
        if (col < p.head_dim) {
            dkv_store(at, p.head_dim - col, keys[i]);
            dkv_store(at + p.kv_heads * p.head_dim, p.head_dim - col, values[i]);
        }
    }
}

void main()
{
    for (uint row = row_first(); row < p.rows; row += row_step())
        inherit(row, gl_WorkGroupID.y);
}
