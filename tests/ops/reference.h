// Every operation in plain C and double precision, written for reading: what the device is compared
// with. All matrices are dense, [rows, cols], row-major; letters as in op/op.h.

#ifndef TESTS_OPS_REFERENCE_H
#define TESTS_OPS_REFERENCE_H

// y[r] = table[tokens[r]]
void ref_embed(int rows, int dim, const double *table, const int *tokens, double *y);

// y = w x / sqrt(mean(x^2) + eps), and dx of it
void ref_rms_norm(int rows, int dim, const double *x, const double *w, double eps, double *y);
void ref_rms_norm_back(int rows, int dim, const double *x, const double *w, double eps,
                       const double *dy, double *dx);

// y (+)= x W^T and dx (+)= dy W            x [rows, in], w [out, in], y [rows, out]
void ref_matmul(int rows, int out, int in, const double *x, const double *w, double *y);
void ref_matmul_back(int rows, int out, int in, const double *dy, const double *w, double *dx);

struct ref_heads {
    int heads, kv_heads, dim;
};

// qkv [rows, (H + 2G) E] -> q [rows, H E], kv [rows, 2G E]; table [positions, E]: cosines, sines
void ref_rope(int rows, struct ref_heads h, const double *qkv, const int *position,
              const double *table, double *q, double *kv);
void ref_rope_back(int rows, struct ref_heads h, const double *q, const double *kv,
                   const int *position, const double *table, double *qkv);

// Rows r attend to kv rows path[start[r]] .. path[start[r + 1] - 1].
struct ref_paths {
    int rows, kv_rows;
    const int *start, *path;
};
void ref_attention(struct ref_paths paths, struct ref_heads h, const double *q, const double *kv,
                   double *out, double *lse);
// dq [rows, H E]; dkv [kv_rows, 2G E], of every row of kv
void ref_attention_back(struct ref_paths paths, struct ref_heads h, const double *q,
                        const double *kv, const double *dout, double *dq, double *dkv);

// y = silu(gate) up                        gate_up [rows, 2 dim], y [rows, dim]
void ref_silu_gate(int rows, int dim, const double *gate_up, double *y);
void ref_silu_gate_back(int rows, int dim, const double *gate_up, const double *dy,
                        double *dgate_up);

void ref_log_softmax(int rows, int cols, const double *logits, double *log_p);

// Of one row: the NLL of the label, its gradient, whether the label is the first arg-max.
double ref_nll(int cols, const double *logits, int label);
void ref_nll_back(int cols, const double *logits, int label, double *grad);
int ref_argmax(int cols, const double *logits);

// Of one row: KL(softmax(logits) || exp(reference)), and its gradient with respect to logits
double ref_kl(int cols, const double *logits, const double *reference);
void ref_kl_back(int cols, const double *logits, const double *reference, double *grad);

#endif
