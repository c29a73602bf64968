// Markup looked at without a browser; see markup.h.

#include "markup.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

enum { DEPTH = 64, NAME = 32 };

struct reader {
    const char *at;
    bool html;
    char open[DEPTH][NAME];
    int depth;
};

int markup_count(const char *text, const char *what)
{
    int num = 0;
    for (; (text = strstr(text, what)); text += strlen(what))
        num++;
    return num;
}

static bool is_reference(const char *at)
{
    const size_t name = strspn(at + 1, "#abcdefghijklmnopqrstuvwxyz0123456789");
    return name > 0 && at[1 + name] == ';';
}

static bool is_void(const char *name)
{
    static const char *const names[] = {"meta", "link", "br", "!doctype", NULL};
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

// From behind an element's name to behind its '>'; whether it closed itself.
static const char *skip_attributes(struct reader *r, bool *closed)
{
    *closed = false;
    while (*r->at && *r->at != '>') {
        *closed = *r->at == '/';
        if (*r->at == '<')
            return "a < within a tag";
        if (*r->at++ != '=')
            continue;
        if (*r->at != '"')
            return "an attribute without quotes";
        const char *end = strchr(r->at + 1, '"');
        if (!end)
            return "an attribute without an end";
        for (const char *c = r->at + 1; c < end; c++)
            if (*c == '<' || (*c == '&' && !is_reference(c)))
                return "an attribute that is not escaped";
        r->at = end + 1;
    }
    if (!*r->at)
        return "a tag without an end";
    r->at++;
    return NULL;
}

static void read_name(struct reader *r, char name[NAME])
{
    int n = 0;
    while (*r->at && !isspace((unsigned char) *r->at) && !strchr("/>", *r->at)) {
        if (n + 1 < NAME)
            name[n++] = *r->at;
        r->at++;
    }
    name[n] = 0;
}

static const char *read_tag(struct reader *r)
{
    char name[NAME];
    r->at++;
    if (*r->at == '?' || *r->at == '!') {
        r->at += strcspn(r->at, ">");
        return *r->at++ ? NULL : "a prolog without an end";
    }
    if (*r->at == '/') {
        r->at++;
        read_name(r, name);
        if (!r->depth || strcmp(r->open[--r->depth], name) != 0 || *r->at != '>')
            return "an end tag out of its turn";
        r->at++;
        return NULL;
    }
    read_name(r, name);
    bool closed;
    const char *wrong = skip_attributes(r, &closed);
    if (wrong || closed || (r->html && is_void(name)))
        return wrong;
    if (r->depth == DEPTH)
        return "elements too deep";
    strcpy(r->open[r->depth++], name);
    const bool style = strcmp(name, "style") == 0;
    const char *end = style ? strstr(r->at, "</style>") : r->at;
    r->at = end ? end : r->at;
    return NULL;
}

static bool ids_differ(const char *text)
{
    for (const char *at = text; (at = strstr(at, " id=\"")); at++) {
        char id[128];
        snprintf(id, sizeof(id), "%.*s\"", (int) strcspn(at + 5, "\"") + 5, at);
        if (markup_count(text, id) != 1)
            return false;
    }
    return true;
}

static bool is_utf8(const char *text)
{
    for (const unsigned char *c = (const unsigned char *) text; *c;) {
        const int more = *c < 0x80 ? 0 : *c >= 0xF0 ? 3 : *c >= 0xE0 ? 2 : *c >= 0xC2 ? 1 : -1;
        if (more < 0 || (*c < ' ' && *c != '\n' && *c != '\t'))
            return false;
        c++;
        for (int i = 0; i < more; i++, c++)
            if ((*c & 0xC0) != 0x80)
                return false;
    }
    return true;
}

const char *markup_error(const char *text, bool html)
{
    struct reader r = {.at = text, .html = html};
    while (*r.at) {
        if (*r.at == '&' && !is_reference(r.at))
            return "an & that begins no reference";
        const char *wrong = *r.at == '<' ? read_tag(&r) : NULL;
        if (wrong)
            return wrong;
        r.at += *r.at && *r.at != '<';
    }
    if (r.depth)
        return "an element that is not closed";
    if (!ids_differ(text))
        return "one id twice";
    return is_utf8(text) ? NULL : "bytes that are not UTF-8";
}
