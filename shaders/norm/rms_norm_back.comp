#version 460
#extension GL_GOOGLE_include_directive : require

// Backward of y = w x inv, inv = 1 / sqrt(mean(x^2) + eps):
//   dx = base + w dy inv - x inv^3 / D sum(dy w x)
//   x, dy, base, dx [R, D] (dx may be base), w [D]; a workgroup a row

#include "tensor.glsl"
#include "reduce.glsl"

layout(push_constant) uniform push { push_rms_norm_back p; };
READ(0, x)
READ(1, w)
READ(2, dy)
READ(3, base)
WRITE(4, dx)

vec4 gradient(uint row, uint col) // w dy
{
    uint left = p.cols - col;
    return w_load(element(p.w, 0, col), left) * dy_load(element(p.dy, row, col), left);
}

void main()
{
    for (uint row = row_first(); row < p.rows; row += row_step()) {
        vec4 squares = vec4(0), products = vec4(0);
        for (uint col = col_first(); col < p.cols; col += col_step()) {
            vec4 v = x_load(element(p.x, row, col), p.cols - col);
            squares += v * v;
            products += v * gradient(row, col);
        }
        float inv = 1.0 / sqrt(reduce_sum(sum4(squares)) / float(p.cols) + p.eps);
        float along = inv * inv * inv / float(p.cols) * reduce_sum(sum4(products));
        for (uint col = col_first(); col < p.cols; col += col_step()) {
            uint left = p.cols - col;
            vec4 v = inv * gradient(row, col) - along * x_load(element(p.x, row, col), left);
            if (p.has_base != 0)
                v += base_load(element(p.base, row, col), left);
            dx_store(element(p.dx, row, col), left, v);
        }
    }
}
