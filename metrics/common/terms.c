// Texts as TF-IDF vectors; see terms.h.

#include "common/terms.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

enum { MAX_TERM = 1024 }; // bytes; a longer run is no word

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct em_entry *) a)->name, ((const struct em_entry *) b)->name);
}

enum em_status terms_open(struct em_session *s, const char *vocabulary, const char *idf,
                          struct terms *out)
{
    struct em_entry *entries;
    size_t num;
    EM_TRY(em_read_entries(s, vocabulary, &entries, &num));
    EM_TRY(em_read_array(s, idf, &out->idf, &out->num));
    if (num != out->num)
        return em_fail(s, EM_ERR_CONFIG,
                       "%s has %zu terms and %s weights for %zu; they belong together, one each",
                       vocabulary, num, idf, out->num);
    for (size_t i = 0; i < num; i++) {
        const double at = entries[i].value;
        if (!(at >= 0 && at < (double) num) || at != floor(at))
            return em_fail(
                s, EM_ERR_CONFIG,
                "%s: the place of \"%s\" is %.9g; whole numbers from 0 to %zu are needed",
                vocabulary, entries[i].name, at, num - 1);
    }
    qsort(entries, num, sizeof(*entries), compare_names);
    out->entries = entries;
    return EM_OK;
}

static void count_term(const struct terms *t, const char *term, double *counts)
{
    const struct em_entry key = {.name = term};
    const struct em_entry *found =
        bsearch(&key, t->entries, t->num, sizeof(*t->entries), compare_names);
    if (found)
        counts[(size_t) found->value]++;
}

// A term being read.
struct reader {
    char term[MAX_TERM];
    size_t size;
    int letters;
    mbstate_t in, out;
};

static void put_letter(struct reader *r, wchar_t letter)
{
    char bytes[16];
    const size_t n = wcrtomb(bytes, (wchar_t) towlower((wint_t) letter), &r->out);
    r->letters++;
    if (n != (size_t) -1 && r->size + n < MAX_TERM)
        memcpy(r->term + r->size, bytes, n);
    r->size += n != (size_t) -1 ? n : 0;
}

static void end_term(struct reader *r, const struct terms *t, double *counts)
{
    if (r->letters > 1 && r->size < MAX_TERM) {
        r->term[r->size] = 0;
        count_term(t, r->term, counts);
    }
    r->size = 0;
    r->letters = 0;
}

void terms_count(const struct terms *t, const char *text, double *counts)
{
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t) 0);
    const locale_t before = utf8 ? uselocale(utf8) : (locale_t) 0;
    struct reader r = {.size = 0};
    const char *end = text + strlen(text);
    while (text < end) {
        wchar_t letter;
        const size_t n = mbrtowc(&letter, text, (size_t) (end - text), &r.in);
        const bool valid = n != (size_t) -1 && n != (size_t) -2;
        if (!valid)
            memset(&r.in, 0, sizeof(r.in));
        if (valid && (iswalnum((wint_t) letter) || letter == L'_'))
            put_letter(&r, letter);
        else
            end_term(&r, t, counts);
        text += valid && n ? n : 1;
    }
    end_term(&r, t, counts);
    if (utf8) {
        uselocale(before);
        freelocale(utf8);
    }
}

double terms_cosine(const struct terms *t, const double *a, const double *b)
{
    double aa = 0, bb = 0, ab = 0;
    for (size_t i = 0; i < t->num; i++) {
        const double square = t->idf[i] * t->idf[i];
        aa += a[i] * a[i] * square;
        bb += b[i] * b[i] * square;
        ab += a[i] * b[i] * square;
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : NAN;
}
