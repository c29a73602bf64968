#version 460
#extension GL_GOOGLE_include_directive : require

// KL(p || q) of each row, p = softmax(logits), q = exp(reference), and its gradient:
//   grad = weight p (log p - log q - KL)
//   logits, reference, grad [R, V] (grad may be logits), weight, result [R]; a workgroup a row

#include "tensor.glsl"
#include "reduce.glsl"
#include "softmax.glsl"

layout(push_constant) uniform push { push_kl p; };
READ(0, logits)
READ(1, reference)
layout(binding = 2) readonly buffer weight_buffer { float weights[]; };
layout(binding = 3) writeonly buffer result_buffer { float result[]; };
WRITE(4, grad)
#include "kl.glsl"

void main()
{
    for (uint row = row_first(); row < p.rows; row += row_step()) {
        kl k = kl_of_row(row);
        float weight = weights[element(p.weight, row, 0)];
        if (gl_LocalInvocationID.x == 0)
            result[element(p.result, row, 0)] = k.value;
        for (uint col = col_first(); col < p.cols; col += col_step()) {
            vec4 log_p = kl_log_p(k, row, col);
            vec4 g = weight * exp(log_p) * (log_p - kl_log_q(row, col) - k.value);
            grad_store(element(p.grad, row, col), p.cols - col, g);
        }
    }
}
