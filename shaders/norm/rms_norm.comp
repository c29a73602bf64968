#version 460
#extension GL_GOOGLE_include_directive : require

// Root-mean-square norm: y = w x / sqrt(mean(x^2) + eps).
//   x [R, D], w [D], y [R, D]; a workgroup a row

#include "tensor.glsl"
#include "reduce.glsl"

layout(push_constant) uniform push { push_rms_norm p; };
READ(0, x)
READ(1, w)
WRITE(2, y)

void main()
{
    for (uint row = row_first(); row < p.rows; row += row_step()) {
        vec4 squares = vec4(0);
        for (uint col = col_first(); col < p.cols; col += col_step()) {
            vec4 v = x_load(element(p.x, row, col), p.cols - col);
            squares += v * v;
        }
        float scale = 1.0 / sqrt(reduce_sum(sum4(squares)) / float(p.cols) + p.eps);
        for (uint col = col_first(); col < p.cols; col += col_step()) {
            uint left = p.cols - col;
            vec4 v = x_load(element(p.x, row, col), left);
            y_store(element(p.y, row, col), left,
                    w_load(element(p.w, 0, col), left) * v * scale);
        }
    }
}
