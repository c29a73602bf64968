#version 460
#extension GL_GOOGLE_include_directive : require

// log_p = logits - max - log(sum exp(logits - max)) of each row.
//   logits, log_p [R, V] (log_p may be logits); a workgroup a row

#include "tensor.glsl"
#include "softmax.glsl"

layout(push_constant) uniform push { push_log_softmax p; };
READ(0, logits)
WRITE(1, log_p)

void main()
{
    for (uint row = row_first(); row < p.rows; row += row_step()) {
        softmax s = softmax_begin();
        for (uint col = col_first(); col < p.cols; col += col_step())
            softmax_add(s, logits_load(element(p.logits, row, col), p.cols - col), p.cols - col);
        s = softmax_end(s);
        float log_sum = log(s.sum);
        for (uint col = col_first(); col < p.cols; col += col_step()) {
            uint left = p.cols - col;
            vec4 v = logits_load(element(p.logits, row, col), left);
            log_p_store(element(p.log_p, row, col), left, (v - s.maximum) - log_sum);
        }
    }
}
