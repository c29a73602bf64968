// The items of a row for the rotation: a head and a quad of its first half. Heads: H of q, G of k,
// G of v.

struct rope_item {
    uint head, col, left; // left: elements of the half from col on
};

uint rope_quads()
{
    return (p.head_dim / 2 + 3) / 4;
}

uint item_first()
{
    return col_first() / 4;
}
uint item_step()
{
    return col_step() / 4;
}
uint item_count()
{
    return (p.heads + 2 * p.kv_heads) * rope_quads();
}

rope_item rope_item_at(uint item)
{
    uint col = 4 * (item % rope_quads());
    return rope_item(item / rope_quads(), col, p.head_dim / 2 - col);
}
