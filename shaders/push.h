// Push constants, declared once for C and GLSL: each struct is a kernel's, at most 128 bytes of
// 4-byte members.

#ifndef PUSH_H
#define PUSH_H

#ifdef GL_core_profile // GLSL
#define VIEW(name) view name
#else // C
#include <stdint.h>
typedef uint32_t uint;
#define VIEW(name) struct view name
#endif

struct view { // where a matrix lies in its binding, in elements
    uint offset, stride;
};

struct push_embed { // the binding holds rows first .. first + num - 1 of the table
    uint rows, cols, first, num;
    VIEW(table);
    VIEW(tokens);
    VIEW(y);
};

struct push_rms_norm {
    uint rows, cols;
    float eps;
    VIEW(x);
    VIEW(add);
    VIEW(sum);
    VIEW(w);
    VIEW(y);
};

struct push_rms_norm_back {
    uint rows, cols, has_base;
    float eps;
    VIEW(x);
    VIEW(w);
    VIEW(dy);
    VIEW(base);
    VIEW(dx);
};

struct push_matmul { // forward: depth K, cols N; backward: depth N, cols K
    uint rows, cols, depth, add;
    VIEW(x);
    VIEW(w);
    VIEW(y);
};

struct push_rope {
    uint rows, heads, kv_heads, head_dim;
    VIEW(qkv);
    VIEW(q);
    VIEW(kv);
    VIEW(position);
    VIEW(table);
};

struct push_attention { // rows: of q forward and in the first backward pass, of dkv in the second
    uint rows, heads, kv_heads, head_dim;
    float scale; // 1 / sqrt(head_dim)
    VIEW(q);
    VIEW(kv);
    VIEW(start); // of path, or of heirs
    VIEW(list);
    VIEW(lse);
    VIEW(result); // forward: out; backward: its gradient
    VIEW(dq);
    VIEW(dkv);
    VIEW(delta);
};

struct push_silu_gate {
    uint rows, cols;
    VIEW(gate_up);
    VIEW(y); // backward: its gradient
    VIEW(dgate_up);
};

struct push_add {
    uint rows, cols;
    VIEW(a);
    VIEW(b);
    VIEW(y);
};

struct push_rows { // the bindings hold to_num rows of `to` from to_first on, and likewise of `from`
    uint num, cols, add, to_indexed, from_indexed;
    uint to_first, to_num, from_first, from_num;
    VIEW(to);
    VIEW(to_at);
    VIEW(from);
    VIEW(from_at);
};

struct push_nll { // the binding holds `num` rows of the logits from `first` on
    uint items, cols, first, num;
    VIEW(logits);
    VIEW(row);
    VIEW(label);
    VIEW(weight);
    VIEW(result);
    VIEW(grad);
};

struct push_kl {
    uint rows, cols;
    VIEW(logits);
    VIEW(reference);
    VIEW(weight);
    VIEW(result);
    VIEW(grad);
};

struct push_log_softmax {
    uint rows, cols;
    VIEW(logits);
    VIEW(log_p);
};

#endif
