#version 460
#extension GL_GOOGLE_include_directive : require

// The NLL of one label a row, and its gradient: grad_i = weight_i (softmax(logits_i) - onehot).
//   logits, grad [I, V] (grad may be logits), label, weight [I]
//   result [I, 2]: the NLL, and 1 where the label is the arg-max; a workgroup a row

#include "tensor.glsl"
#include "reduce.glsl"
#include "softmax.glsl"

layout(push_constant) uniform push { push_nll p; };
READ(0, logits)
layout(binding = 1) readonly buffer label_buffer { uint labels[]; };
layout(binding = 2) readonly buffer weight_buffer { float weights[]; };
layout(binding = 3) writeonly buffer result_buffer { float result[]; };
WRITE(4, grad)
#include "nll.glsl"

void main()
{
    for (uint row = row_first(); row < p.items; row += row_step()) {
        uint label = labels[element(p.label, row, 0)];
        float weight = weights[element(p.weight, row, 0)];
        nll n = nll_of_row(row, label);
        if (gl_LocalInvocationID.x == 0) {
            result[element(p.result, row, 0)] = n.value;
            result[element(p.result, row, 1)] = n.hit;
        }
        float scale = weight / n.s.sum;
        for (uint col = col_first(); col < p.cols; col += col_step()) {
            uint left = p.cols - col;
            vec4 v = logits_load(element(p.logits, row, col), left);
            vec4 g = scale * exp(v - n.s.maximum);
            if (label - col < 4)
                g[label - col] -= weight;
            grad_store(element(p.grad, row, col), left, g);
        }
    }
}
