#version 460
#extension GL_GOOGLE_include_directive : require

// Rows of a table: y[r] = table[tokens[r]], for the tokens whose rows are bound; others are left.
//   table [num, D] (rows first .. first + num - 1), tokens [R], y [R, D]

#include "tensor.glsl"
#include "weight.glsl"

layout(push_constant) uniform push { push_embed p; };
WEIGHT(0, table)
layout(binding = 1) readonly buffer tokens_buffer { uint tokens[]; };
WRITE(2, y)

void main()
{
    for (uint row = row_first(); row < p.rows; row += row_step()) {
        uint entry = tokens[element(p.tokens, row, 0)] - p.first;
        if (entry >= p.num)
            continue;
        for (uint col = col_first(); col < p.cols; col += col_step()) {
            uint left = p.cols - col;
            y_store(element(p.y, row, col), left, table_load(element(p.table, entry, col), left));
        }
    }
}
