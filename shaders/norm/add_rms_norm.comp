#version 460
#extension GL_GOOGLE_include_directive : require

// Residual addition and norm in one pass: sum = x + add, y = w sum / sqrt(mean(sum^2) + eps).
//   x, add, sum, y [R, D] (sum may be x), w [D]; a workgroup a row

#include "tensor.glsl"
#include "reduce.glsl"

layout(push_constant) uniform push { push_rms_norm p; };
READ(0, x)
READ(1, add)
MODIFY(2, sum)
READ(3, w)
WRITE(4, y)

void main()
{
    for (uint row = row_first(); row < p.rows; row += row_step()) {
        vec4 squares = vec4(0);
        for (uint col = col_first(); col < p.cols; col += col_step()) {
            uint left = p.cols - col;
            vec4 v = x_load(element(p.x, row, col), left) +
                     add_load(element(p.add, row, col), left);
            sum_store(element(p.sum, row, col), left, v);
            squares += v * v;
        }
        float scale = 1.0 / sqrt(reduce_sum(sum4(squares)) / float(p.cols) + p.eps);
        for (uint col = col_first(); col < p.cols; col += col_step()) { // each lane reads its own
            uint left = p.cols - col;
            vec4 v = sum_load(element(p.sum, row, col), left);
            y_store(element(p.y, row, col), left,
                    w_load(element(p.w, 0, col), left) * v * scale);
        }
    }
}
