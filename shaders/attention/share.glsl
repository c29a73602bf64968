// How the lanes of a direct attention kernel, one subgroup a workgroup, load a row of a head: a
// quad each, which they hand around. On the devices that these kernels are for a load costs as
// much as ten multiplications, whatever its address.

#extension GL_KHR_shader_subgroup_ballot : require

layout(constant_id = 2) const uint QUADS = 4; // of a head: the op says how many
layout(constant_id = 3) const uint ROWS = 8;  // of a workgroup
const uint SHARE = (QUADS + LANES - 1) / LANES; // quads of a head that a lane loads

uint share_quad(uint i) // the i-th of a lane's share; one that others have too beyond the last
{
    return min(i * LANES + gl_SubgroupInvocationID, QUADS - 1);
}

vec4 share_get(vec4 share[SHARE], uint quad)
{
    return subgroupBroadcast(share[quad / LANES], quad % LANES);
}
