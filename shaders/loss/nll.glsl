// The negative log-likelihood of a label under a row of logits, and whether the label is the row's
// arg-max, the first of equals. Needs the binding logits, p.logits and p.cols.

struct nll {
    softmax s;
    float value; // -ln p(label)
    float hit;   // 1 or 0
};

float nll_beaten(vec4 v, float best, uint col, uint label, uint left)
{
    float beaten = 0.0;
    [[unroll]] for (uint i = 0; i < 4; i++)
        if (i < left && !(v[i] < best || (v[i] == best && col + i >= label))) // NaN beats all
            beaten = 1.0;
    return beaten;
}

nll nll_of_row(uint row, uint label)
{
    uint quad = label & ~3u;
    float best = logits_load(element(p.logits, row, quad), p.cols - quad)[label & 3u];
    softmax s = softmax_begin();
    float beaten = 0.0;
    for (uint col = col_first(); col < p.cols; col += col_step()) {
        uint left = p.cols - col;
        vec4 v = logits_load(element(p.logits, row, col), left);
        softmax_add(s, v, left);
        beaten = max(beaten, nll_beaten(v, best, col, label, left));
    }
    s = softmax_end(s);
    bool hit = reduce_sum(beaten) == 0.0;
    return nll(s, log(s.sum) - (best - s.maximum), hit ? 1.0 : 0.0);
}
