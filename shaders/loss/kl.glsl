// KL(p || q) of a row, p = softmax(logits), q = exp(reference). Needs the bindings logits and
// reference, p.logits, p.reference and p.cols.

struct kl {
    float maximum, log_sum, value;
};

vec4 kl_log_p(kl k, uint row, uint col)
{
    return (logits_load(element(p.logits, row, col), p.cols - col) - k.maximum) - k.log_sum;
}

vec4 kl_log_q(uint row, uint col)
{
    return reference_load(element(p.reference, row, col), p.cols - col);
}

kl kl_of_row(uint row)
{
    softmax s = softmax_begin();
    for (uint col = col_first(); col < p.cols; col += col_step())
        softmax_add(s, logits_load(element(p.logits, row, col), p.cols - col), p.cols - col);
    s = softmax_end(s);
    kl k = kl(s.maximum, log(s.sum), 0.0);
    vec4 terms = vec4(0);
    for (uint col = col_first(); col < p.cols; col += col_step()) {
        vec4 log_p = kl_log_p(k, row, col);
        vec4 term = exp(log_p) * (log_p - kl_log_q(row, col));
        uint left = p.cols - col;
        terms += left < 4 ? mix(term, vec4(0), bvec4(false, left < 2, left < 3, true)) : term;
    }
    k.value = reduce_sum(sum4(terms));
    return k;
}
