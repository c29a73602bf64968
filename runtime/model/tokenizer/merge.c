// Byte pair encoding of one piece: its bytes' words are merged, the pair with the lowest rank first
// and of equal ones the leftmost, until no pair has a rank. A heap of candidate pairs over a linked
// list of symbols: n log n for a piece of n bytes.

#include <string.h>

#include "model/tokenizer/parts.h"

struct symbol {
    int id, previous, next; // places; -1: none. id is -1 once it has been merged away
};

struct candidate {
    int rank, at; // the symbol on the left
    int left, right;
};

struct merge {
    uint64_t pair; // left id and right id
    int rank, id;  // id: -1 if the place is free
};

struct merger {
    const struct word *words;
    int byte_ids[256]; // -1: no word
    int *word_slots;   // [num_word_slots] id, or -1: a hash table of the words
    struct merge *merge_slots;
    uint64_t num_word_slots, num_merge_slots; // powers of two
    bool ignore_merges, fuse_unknown;
    int unknown;
    struct arena *a; // of the scratch below
    struct symbol *symbols;
    struct candidate *heap;
    size_t num_heap, room; // room: of symbols; the heap has three times as much
};

static uint64_t hash_of_bytes(const char *bytes, size_t size)
{
    uint64_t h = 0xCBF29CE484222325u; // FNV-1a
    for (size_t i = 0; i < size; i++)
        h = (h ^ (unsigned char) bytes[i]) * 0x100000001B3u;
    return h ^ h >> 32;
}

static uint64_t hash_of_pair(uint64_t pair)
{
    pair *= 0x9E3779B97F4A7C15u;
    return pair ^ pair >> 32;
}

// A power of two, twice `num` or more.
static uint64_t slots_for(int num)
{
    uint64_t slots = 16;
    while (slots < 2 * (uint64_t) num)
        slots *= 2;
    return slots;
}

// The slot of a word, or the free one where it would be.
static uint64_t find_word_slot(const struct merger *m, const char *bytes, size_t size)
{
    uint64_t i = hash_of_bytes(bytes, size) & (m->num_word_slots - 1);
    for (; m->word_slots[i] >= 0; i = (i + 1) & (m->num_word_slots - 1)) {
        const struct word *w = &m->words[m->word_slots[i]];
        if (w->size == size && memcmp(w->bytes, bytes, size) == 0)
            break;
    }
    return i;
}

static struct merge *find_merge(const struct merger *m, uint64_t pair)
{
    uint64_t i = hash_of_pair(pair) & (m->num_merge_slots - 1);
    while (m->merge_slots[i].id >= 0 && m->merge_slots[i].pair != pair)
        i = (i + 1) & (m->num_merge_slots - 1);
    return &m->merge_slots[i];
}

static uint64_t pair_of(int left, int right)
{
    return (uint64_t) (uint32_t) left << 32 | (uint32_t) right;
}

// Words of the vocabulary go before added ones of the same text.
static enum em_status index_words(struct merger *m, const struct tokenizer_params *p, bool added)
{
    for (int id = 0; id < p->num_words; id++) {
        const struct word *w = &m->words[id];
        if (!w->byte_level || !w->size || p->words[id].added != added)
            continue;
        int *slot = &m->word_slots[find_word_slot(m, w->bytes, w->size)];
        if (*slot >= 0 && !added)
            return log_fail(p->log, EM_ERR_CONFIG,
                            "%s: tokens %d and %d of its vocabulary are both \"%.80s\"", p->path,
                            *slot, id, p->words[id].text);
        if (*slot < 0)
            *slot = id;
        if (w->size == 1 && *slot == id)
            m->byte_ids[(unsigned char) w->bytes[0]] = id;
    }
    return EM_OK;
}

static enum em_status index_merge(struct merger *m, const struct tokenizer_params *p, int rank,
                                  char *scratch)
{
    const char *text = p->merges[rank], *space = strchr(text, ' ');
    uint32_t size[2] = {0, 0};
    char *right = scratch;
    if (space && !strchr(space + 1, ' ')) {
        memcpy(scratch, text, (size_t) (space - text));
        scratch[space - text] = 0;
        if (bytes_of_text(scratch, scratch, &size[0])) {
            right += size[0];
            if (!bytes_of_text(space + 1, right, &size[1]))
                size[1] = 0;
        }
    }
    if (!size[0] || !size[1])
        return log_fail(p->log, EM_ERR_CONFIG,
                        "%s: merge %d, \"%.80s\", is not two words with a space between", p->path,
                        rank, text);
    const int left_id = m->word_slots[find_word_slot(m, scratch, size[0])];
    const int right_id = m->word_slots[find_word_slot(m, right, size[1])];
    const int id = m->word_slots[find_word_slot(m, scratch, (size_t) size[0] + size[1])];
    if (left_id < 0 || right_id < 0 || id < 0)
        return log_fail(p->log, EM_ERR_CONFIG,
                        "%s: merge %d, \"%.80s\": %s is not in the vocabulary", p->path, rank, text,
                        left_id < 0    ? "the first word"
                        : right_id < 0 ? "the second word"
                                       : "what it makes");
    struct merge *slot = find_merge(m, pair_of(left_id, right_id));
    if (slot->id < 0)
        *slot = (struct merge) {pair_of(left_id, right_id), rank, id};
    else // a pair that is there twice has the rank of the last, as others read it
        slot->rank = rank;
    return EM_OK;
}

static enum em_status index_merges(struct merger *m, const struct tokenizer_params *p)
{
    size_t longest = 0;
    for (int i = 0; i < p->num_merges; i++) {
        const size_t length = strlen(p->merges[i]);
        longest = length > longest ? length : longest;
    }
    char *scratch = arena_alloc(m->a, longest + 1);
    for (int i = 0; i < p->num_merges; i++)
        EM_TRY(index_merge(m, p, i, scratch));
    return EM_OK;
}

struct merger *merger_create(struct arena *a, const struct tokenizer_params *p,
                             const struct word *words)
{
    struct merger *m = arena_new(a, struct merger);
    m->a = a;
    m->words = words;
    m->ignore_merges = p->ignore_merges;
    m->unknown = p->unknown;
    m->fuse_unknown = p->fuse_unknown;
    m->num_word_slots = slots_for(p->num_words);
    m->num_merge_slots = slots_for(p->num_merges);
    m->word_slots = arena_array(a, int, m->num_word_slots);
    m->merge_slots = arena_array(a, struct merge, m->num_merge_slots);
    memset(m->byte_ids, -1, sizeof(m->byte_ids));
    memset(m->word_slots, -1, m->num_word_slots * sizeof(*m->word_slots));
    for (uint64_t i = 0; i < m->num_merge_slots; i++)
        m->merge_slots[i].id = -1;
    if (index_words(m, p, false) != EM_OK || index_words(m, p, true) != EM_OK ||
        index_merges(m, p) != EM_OK)
        return NULL;
    return m;
}

static bool is_before(const struct candidate *l, const struct candidate *r)
{
    return l->rank < r->rank || (l->rank == r->rank && l->at < r->at);
}

static void push_candidate(struct merger *m, int left)
{
    const int right = left < 0 ? -1 : m->symbols[left].next;
    if (right < 0)
        return;
    struct candidate c = {.at = left, .left = m->symbols[left].id, .right = m->symbols[right].id};
    const struct merge *merge = find_merge(m, pair_of(c.left, c.right));
    if (merge->id < 0)
        return;
    c.rank = merge->rank;
    size_t i = m->num_heap++;
    for (; i && is_before(&c, &m->heap[(i - 1) / 2]); i = (i - 1) / 2)
        m->heap[i] = m->heap[(i - 1) / 2];
    m->heap[i] = c;
}

static struct candidate pop_candidate(struct merger *m)
{
    const struct candidate top = m->heap[0], last = m->heap[--m->num_heap];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < m->num_heap; i = child) {
        child += child + 1 < m->num_heap && is_before(&m->heap[child + 1], &m->heap[child]);
        if (!is_before(&m->heap[child], &last))
            break;
        m->heap[i] = m->heap[child];
    }
    m->heap[i] = last;
    return top;
}

static void make_room(struct merger *m, size_t size)
{
    if (size <= m->room)
        return;
    m->room = 2 * size;
    m->symbols = arena_array(m->a, struct symbol, m->room);
    m->heap = arena_array(m->a, struct candidate, 3 * m->room);
}

// One symbol for each byte that has a word; returns their number.
static int make_symbols(struct merger *m, const char *piece, size_t size)
{
    int num = 0;
    bool was_unknown = false;
    for (size_t i = 0; i < size; i++) {
        int id = m->byte_ids[(unsigned char) piece[i]];
        const bool unknown = id < 0;
        if (unknown)
            id = was_unknown && m->fuse_unknown ? -1 : m->unknown;
        was_unknown = unknown;
        if (id < 0)
            continue;
        m->symbols[num] = (struct symbol) {.id = id, .previous = num - 1, .next = num + 1};
        num++;
    }
    if (num)
        m->symbols[num - 1].next = -1;
    return num;
}

static void merge_symbols(struct merger *m, const struct candidate *c)
{
    struct symbol *left = &m->symbols[c->at];
    if (left->id != c->left || left->next < 0 || m->symbols[left->next].id != c->right)
        return; // one of the two has been merged since
    struct symbol *right = &m->symbols[left->next];
    left->id = find_merge(m, pair_of(c->left, c->right))->id;
    left->next = right->next;
    right->id = -1;
    if (left->next >= 0)
        m->symbols[left->next].previous = c->at;
    push_candidate(m, left->previous);
    push_candidate(m, c->at);
}

void merger_run(struct merger *m, const char *piece, size_t size, struct arena *a,
                struct id_list *ids)
{
    if (m->ignore_merges) {
        const int id = m->word_slots[find_word_slot(m, piece, size)];
        if (id >= 0) {
            *arena_push(a, ids) = id;
            return;
        }
    }
    make_room(m, size);
    const int num = make_symbols(m, piece, size);
    m->num_heap = 0;
    for (int i = 0; i + 1 < num; i++)
        push_candidate(m, i);
    while (m->num_heap) {
        const struct candidate best = pop_candidate(m);
        merge_symbols(m, &best);
    }
    for (int i = num ? 0 : -1; i >= 0; i = m->symbols[i].next)
        *arena_push(a, ids) = m->symbols[i].id;
}
