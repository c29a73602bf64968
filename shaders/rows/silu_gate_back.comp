#version 460
#extension GL_GOOGLE_include_directive : require

// Backward of y = silu(gate) up, with s = 1 / (1 + exp(-gate)):
//   dgate = dy up s (1 + gate (1 - s)),  dup = dy gate s
//   gate_up, dgate_up [R, 2F]: gate, then up; dy [R, F]

#include "tensor.glsl"

layout(push_constant) uniform push { push_silu_gate p; };
READ(0, gate_up)
READ(1, dy)
WRITE(2, dgate_up)

void main()
{
    for (uint row = row_first(); row < p.rows; row += row_step())
        for (uint col = col_first(); col < p.cols; col += col_step()) {
            uint left = p.cols - col;
            vec4 gate = gate_up_load(element(p.gate_up, row, col), left);
            vec4 up = gate_up_load(element(p.gate_up, row, p.cols + col), left);
            vec4 dy = dy_load(element(p.y, row, col), left);
            vec4 s = 1.0 / (1.0 + exp(-gate));
            dgate_up_store(element(p.dgate_up, row, col), left,
                           dy * up * s * (1.0 + gate * (1.0 - s)));
            dgate_up_store(element(p.dgate_up, row, p.cols + col), left, dy * gate * s);
        }
}
