#version 460
#extension GL_GOOGLE_include_directive : require

// The gated unit: y = silu(gate) up, silu(g) = g / (1 + exp(-g)).
//   gate_up [R, 2F]: gate, then up; y [R, F]

#include "tensor.glsl"

layout(push_constant) uniform push { push_silu_gate p; };
READ(0, gate_up)
WRITE(1, y)

void main()
{
    for (uint row = row_first(); row < p.rows; row += row_step())
        for (uint col = col_first(); col < p.cols; col += col_step()) {
            uint left = p.cols - col;
            vec4 gate = gate_up_load(element(p.gate_up, row, col), left);
            vec4 up = gate_up_load(element(p.gate_up, row, p.cols + col), left);
            y_store(element(p.y, row, col), left, gate / (1.0 + exp(-gate)) * up);
        }
}
