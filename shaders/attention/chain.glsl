// Which rows a subgroup takes together. Rows that each continue the path of the row before are a
// chain: the path of its last row holds those of all, so that its keys serve all lanes. Loops run
// equally often for all lanes.

uint begin_of(uint row) // of its part of the list
{
    return starts[element(p.start, row, 0)];
}

uint list_at(uint at)
{
    return list[element(p.list, at, 0)];
}

struct chain_lane {
    uint row, head;  // its own
    uint own;        // rows that its row's path holds
    uint begin, num; // the longest path of the lanes: where in the list, how many rows it holds
    bool stores;     // no lane before it has the same row and head
};

// Rows of the chain that begins with `first`, all before `end`.
uint chain_rows(uint first, uint end)
{
    uint num = 1, begin = begin_of(first), next = begin_of(first + 1);
    for (uint row = first + 1; row < end; row++) {
        uint after = begin_of(row + 1);
        if (after - next != next - begin + 1 || list_at(after - 2) != list_at(next - 1))
            break;
        begin = next;
        next = after;
        num++;
    }
    return num;
}

// The lane's one of LANES (row, head of the group) from `item` on.
chain_lane chain_lane_at(uint first, uint num, uint item, uint heads, uint group)
{
    uint own = item + gl_SubgroupInvocationID, end = num * heads;
    uint last = first + (min(item + LANES, end) - 1) / heads;
    chain_lane at;
    at.stores = own < end;
    own = min(own, end - 1);
    at.row = first + own / heads;
    at.head = group * heads + own % heads;
    at.begin = begin_of(last);
    at.num = begin_of(last + 1) - at.begin;
    at.own = at.num - (last - at.row);
    return at;
}

void attend(chain_lane lane, uint group); // a kernel's own

void attend_rows() // of this workgroup, chain by chain
{
    uint heads = p.heads / p.kv_heads, group = gl_WorkGroupID.y;
    for (uint block = row_first() * ROWS; block < p.rows; block += row_step() * ROWS) {
        uint end = min(block + ROWS, p.rows);
        for (uint first = block, num; first < end; first += num) {
            num = chain_rows(first, end);
            for (uint item = 0; item < num * heads; item += LANES)
                attend(chain_lane_at(first, num, item, heads, group), group);
        }
    }
}

// Rows from `first` on, before `end`, at most a lane each, that are heirs of it: their own heirs
// are among its.
uint family_rows(uint first, uint end)
{
    uint num = 1, begin = begin_of(first), most = begin_of(first + 1) - begin;
    while (num < min(most, min(end - first, LANES)) && list_at(begin + num) == first + num)
        num++;
    return num;
}
