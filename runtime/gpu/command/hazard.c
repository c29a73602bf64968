// Hazards by byte interval; see hazard.h.

#include "gpu/command/hazard.h"

static bool overlap(const struct hazard_use *a, const struct hazard_use *b)
{
    const uint64_t begin = a->begin > b->begin ? a->begin : b->begin;
    const uint64_t end = a->end < b->end ? a->end : b->end;
    return a->memory == b->memory && begin < end;
}

static bool contains(const struct hazard_use *a, const struct hazard_use *b)
{
    return a->memory == b->memory && a->begin <= b->begin && b->end <= a->end &&
           a->write == b->write;
}

static bool conflicts(const struct hazards *h, const struct hazard_use *use)
{
    for (size_t i = 0; i < h->num; i++) {
        if (overlap(&h->items[i], use) && (h->items[i].write || use->write))
            return true;
    }
    return false;
}

static bool is_known(const struct hazards *h, const struct hazard_use *use)
{
    for (size_t i = 0; i < h->num; i++) {
        if (contains(&h->items[i], use))
            return true;
    }
    return false;
}

bool hazards_next(struct hazards *h, struct arena *a, const struct hazard_use *uses, int num)
{
    bool barrier = false;
    for (int i = 0; i < num && !barrier; i++)
        barrier = conflicts(h, &uses[i]);
    if (barrier)
        hazards_clear(h);
    for (int i = 0; i < num; i++) {
        if (uses[i].begin < uses[i].end && !is_known(h, &uses[i]))
            *arena_push(a, h) = uses[i];
    }
    return barrier;
}

void hazards_clear(struct hazards *h)
{
    h->num = 0;
}
