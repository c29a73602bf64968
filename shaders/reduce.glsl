// Sums over a workgroup, by a tree whose shape depends on LANES only. Every lane gets the result.

shared float reduce_partial[LANES];

float reduce_sum(float value)
{
    uint lane = gl_LocalInvocationID.x;
    reduce_partial[lane] = value;
    barrier();
    for (uint width = LANES / 2; width > 0; width /= 2) {
        if (lane < width)
            reduce_partial[lane] += reduce_partial[lane + width];
        barrier();
    }
    float sum = reduce_partial[0];
    barrier(); // before the next use overwrites it
    return sum;
}
