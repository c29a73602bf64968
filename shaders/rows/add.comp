#version 460
#extension GL_GOOGLE_include_directive : require

// y = a + b, all [R, D]; y may be a or b. A stride of 0 adds the same row b to each of a.

#include "tensor.glsl"

layout(push_constant) uniform push { push_add p; };
READ(0, a)
READ(1, b)
WRITE(2, y)

void main()
{
    for (uint row = row_first(); row < p.rows; row += row_step())
        for (uint col = col_first(); col < p.cols; col += col_step()) {
            uint left = p.cols - col;
            y_store(element(p.y, row, col), left,
                    a_load(element(p.a, row, col), left) + b_load(element(p.b, row, col), left));
        }
}
