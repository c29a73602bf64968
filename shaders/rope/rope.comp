#version 460
#extension GL_GOOGLE_include_directive : require

// Split qkv into heads and rotate those of q and k by the row's position, half against half:
//   a' = a cos - b sin,  b' = b cos + a sin      a = x[i], b = x[i + E/2], i < E/2
//   qkv [R, (H + 2G) E], q [R, H E], kv [R, 2G E]: keys, then values (copied)
//   position [R], table [positions, E]: the cosines, then the sines

#include "tensor.glsl"

layout(push_constant) uniform push { push_rope p; };
READ(0, qkv)
WRITE(1, q)
WRITE(2, kv)
layout(binding = 3) readonly buffer position_buffer { uint positions[]; };
READ(4, table)
#include "rope.glsl"

void main()
{
    uint half_dim = p.head_dim / 2;
    for (uint row = row_first(); row < p.rows; row += row_step()) {
        uint position = positions[element(p.position, row, 0)];
        for (uint item = item_first(); item < item_count(); item += item_step()) {
            rope_item at = rope_item_at(item);
            uint from = element(p.qkv, row, at.head * p.head_dim + at.col);
            vec4 a = qkv_load(from, at.left), b = qkv_load(from + half_dim, at.left);
            if (at.head < p.heads + p.kv_heads) {
                vec4 cosine = table_load(element(p.table, position, at.col), at.left);
                vec4 sine = table_load(element(p.table, position, half_dim + at.col), at.left);
                vec4 rotated = a * cosine - b * sine;
                b = b * cosine + a * sine;
                a = rotated;
            }
            if (at.head < p.heads) {
                uint to = element(p.q, row, at.head * p.head_dim + at.col);
                q_store(to, at.left, a);
                q_store(to + half_dim, at.left, b);
            } else {
                uint to = element(p.kv, row, (at.head - p.heads) * p.head_dim + at.col);
                kv_store(to, at.left, a);
                kv_store(to + half_dim, at.left, b);
            }
        }
    }
}
