// What the attention kernels of a workgroup per (row, head) share: lanes take entries of the list
// (a path, or heirs) for the dot products, then quads of the head for the sums over those entries.

const uint ATTENTION_QUADS = (64 + LANES - 1) / LANES; // of a head (at most 64), for each lane

// Where this lane's quad begins in the head; it has none from head_dim on.
uint attention_col(uint quad)
{
    return 4 * (gl_LocalInvocationID.x + quad * LANES);
}
