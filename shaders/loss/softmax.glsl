// The softmax statistics of a row: its maximum and the sum of exp(x - maximum), in one pass.
// Lanes merge theirs by a tree whose shape depends on LANES only.

struct softmax {
    float maximum, sum;
};

shared vec2 softmax_partial[LANES];

softmax softmax_begin()
{
    return softmax(-3.4e38, 0.0);
}

softmax softmax_merge(softmax a, softmax b)
{
    float m = max(a.maximum, b.maximum);
    return softmax(m, a.sum * exp(a.maximum - m) + b.sum * exp(b.maximum - m));
}

void softmax_add(inout softmax s, vec4 v, uint left) // the first `left` elements of v
{
    if (RAGGED != 0 && left < 4) {
        bvec4 outside = bvec4(left < 1, left < 2, left < 3, left < 4);
        v = mix(v, vec4(-3.4e38), outside);
    }
    float m = max(s.maximum, max(max(v.x, v.y), max(v.z, v.w)));
    vec4 e = exp(v - m);
    s.sum = s.sum * exp(s.maximum - m) + ((e.x + e.y) + (e.z + e.w));
    s.maximum = m;
}

softmax softmax_end(softmax s)
{
    uint lane = gl_LocalInvocationID.x;
    softmax_partial[lane] = vec2(s.maximum, s.sum);
    barrier();
    for (uint width = LANES / 2; width > 0; width /= 2) {
        if (lane < width) {
            vec2 a = softmax_partial[lane], b = softmax_partial[lane + width];
            softmax merged = softmax_merge(softmax(a.x, a.y), softmax(b.x, b.y));
            softmax_partial[lane] = vec2(merged.maximum, merged.sum);
        }
        barrier();
    }
    vec2 whole = softmax_partial[0];
    barrier(); // before the next use overwrites it
    return softmax(whole.x, whole.y);
}
