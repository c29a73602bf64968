// `emend cache`: what is kept for later runs in the user's cache, and taking it away.

#include <errno.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>

#include "base/file/cache_list.h"
#include "cli/cli.h"
#include "plugin/options.h"

struct cache_options {
    struct cli_texts kinds;
    int older;
    bool all, dry;
};

enum { ANY_AGE = -1, A_DAY = 24 * 60 * 60 };

static const struct cli_option cache_table[] = {
    CLI_TEXTS_ROW(struct cache_options, kinds, "kind", "K", false, "of this kind alone"),
    CLI_INT_ROW(struct cache_options, older, "older", ANY_AGE, 0, 100000,
                "what was not used for N days"),
    CLI_FLAG_ROW(struct cache_options, all, "all", 0, "prune: everything but the models"),
    CLI_FLAG_ROW(struct cache_options, dry, "dry-run", 0,
                 "prune: say what would go, remove nothing"),
    {0},
};

static const char models[] = "models"; // go only when they are named

static const struct {
    const char *name, *what;
} known_kinds[] = {
    {"answers", "what unedited models said"},
    {"covariance", "second moments of layers' keys"},
    {"model", "hashes of weight files"},
    {models, "fetched models"},
    {"pipelines", "kernels as the driver compiled them"},
    {"texts", "what models wrote: templates, texts for metrics"},
    {"values", "values and keys of facts"},
};
enum { NUM_KNOWN = sizeof(known_kinds) / sizeof(known_kinds[0]) };

static const char *describe(const char *kind)
{
    for (int i = 0; i < NUM_KNOWN; i++)
        if (strcmp(known_kinds[i].name, kind) == 0)
            return known_kinds[i].what;
    return NULL;
}

struct sum { // of one kind
    const char *kind;
    int num, in_use, kept;
    uint64_t size;
    int64_t oldest, newest;
};

struct sums {
    struct sum *items;
    size_t num, cap;
};

static struct sum *sum_of(struct arena *a, struct sums *sums, const char *kind)
{
    for (size_t i = 0; i < sums->num; i++)
        if (strcmp(sums->items[i].kind, kind) == 0)
            return &sums->items[i];
    struct sum *s = arena_push(a, sums);
    *s = (struct sum) {.kind = kind, .oldest = INT64_MAX};
    return s;
}

static void add(struct sum *s, const struct cache_item *item)
{
    s->num++;
    s->size += item->size;
    s->oldest = item->used < s->oldest ? item->used : s->oldest;
    s->newest = item->used > s->newest ? item->used : s->newest;
}

static bool is_meant(const struct cache_options *o, const struct cache_item *item, int64_t now)
{
    bool meant = !o->kinds.num;
    for (size_t i = 0; i < o->kinds.num; i++)
        meant = meant || strcmp(o->kinds.items[i], item->kind) == 0;
    return meant && (o->older == ANY_AGE || item->used <= now - (int64_t) o->older * A_DAY);
}

// --- output

static void print_json(struct cli *cli, const struct sums *sums)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "folder", cli->cache_folder);
    cJSON *list = cJSON_AddArrayToObject(json, "kinds");
    for (size_t i = 0; i < sums->num; i++) {
        const struct sum *s = &sums->items[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "kind", s->kind);
        cJSON_AddNumberToObject(item, "entries", s->num);
        cJSON_AddNumberToObject(item, "bytes", (double) s->size);
        if (s->num) {
            cJSON_AddNumberToObject(item, "oldest_use", (double) s->oldest);
            cJSON_AddNumberToObject(item, "newest_use", (double) s->newest);
        }
        if (s->in_use)
            cJSON_AddNumberToObject(item, "in_use", s->in_use);
        cJSON_AddItemToArray(list, item);
    }
    cli_print_json(json);
}

static const char *days_ago(struct arena *a, int64_t then, int64_t now)
{
    const long days = then < now ? (long) ((now - then) / A_DAY) : 0;
    return days == 0 ? "today" : arena_print(a, "%ld day%s ago", days, days == 1 ? "" : "s");
}

static void print_sums(struct cli *cli, const struct sums *sums, int64_t now)
{
    uint64_t total = 0;
    if (sums->num)
        printf("%s%-11s %7s %10s  %-14s %-14s %s%s\n", cli_bold(cli), "kind", "entries", "MB",
               "oldest use", "latest use", "what", cli_plain(cli));
    for (size_t i = 0; i < sums->num; i++) {
        const struct sum *s = &sums->items[i];
        const char *what = describe(s->kind);
        total += s->size;
        printf("%-11s %7d %10.1f  %-14s %-14s %s\n", s->kind, s->num, (double) s->size / 1e6,
               s->num ? days_ago(cli->arena, s->oldest, now) : "",
               s->num ? days_ago(cli->arena, s->newest, now) : "",
               what ? what : "of another version");
    }
    printf("%.1f MB in %s\n", (double) total / 1e6, cli->cache_folder);
}

// --- the two verbs

static enum em_status list(struct cli *cli, const struct cache_options *o,
                           const struct cache_item *items, int num)
{
    const int64_t now = time(NULL);
    struct sums sums = {0};
    for (int i = 0; i < num; i++)
        if (is_meant(o, &items[i], now))
            add(sum_of(cli->arena, &sums, items[i].kind), &items[i]);
    if (cli->json)
        print_json(cli, &sums);
    else
        print_sums(cli, &sums, now);
    return EM_OK;
}

static void remove_item(struct cli *cli, const struct cache_options *o,
                        const struct cache_item *item, struct sums *sums)
{
    struct sum *s = sum_of(cli->arena, sums, item->kind);
    const enum cache_removal removal = o->dry ? CACHE_REMOVED : cache_item_remove(item);
    if (removal == CACHE_REMOVED)
        add(s, item);
    s->in_use += removal == CACHE_IN_USE;
    s->kept += removal == CACHE_KEPT;
    if (removal == CACHE_KEPT)
        log_say(cli->log, "%s: cannot be removed: %s", item->path, strerror(errno));
}

static enum em_status prune(struct cli *cli, const struct cache_options *o,
                            const struct cache_item *items, int num)
{
    const int64_t now = time(NULL);
    struct sums sums = {0};
    uint64_t size = 0;
    int in_use = 0, kept = 0;
    for (int i = 0; i < num; i++)
        if (is_meant(o, &items[i], now) && (o->kinds.num || strcmp(items[i].kind, models) != 0))
            remove_item(cli, o, &items[i], &sums);
    for (size_t i = 0; i < sums.num; i++) {
        const struct sum *s = &sums.items[i];
        size += s->size;
        in_use += s->in_use;
        kept += s->kept;
        if (!cli->json && s->num)
            printf("  %-11s %7d %10.1f MB\n", s->kind, s->num, (double) s->size / 1e6);
    }
    if (cli->json)
        print_json(cli, &sums);
    else
        printf("%s %.1f MB of %s\n", o->dry ? "would remove" : "removed", (double) size / 1e6,
               cli->cache_folder);
    if (in_use)
        log_say(cli->log, "%d stayed: another process computes %s", in_use,
                in_use == 1 ? "it" : "them");
    cli->running = true;
    if (!kept)
        return EM_OK;
    return log_fail(cli->log, EM_ERR_IO, "%d %s could not be removed from %s", kept,
                    kept == 1 ? "entry" : "entries", cli->cache_folder);
}

// --- the command

static enum em_status check_kinds(struct cli *cli, const struct cache_options *o,
                                  const struct cache_item *items, int num)
{
    struct cli_texts names = {0};
    for (int i = 0; i < NUM_KNOWN; i++)
        *arena_push(cli->arena, &names) = known_kinds[i].name;
    for (int i = 0; i < num; i++)
        if (!describe(items[i].kind) && (!i || strcmp(items[i].kind, items[i - 1].kind) != 0))
            *arena_push(cli->arena, &names) = items[i].kind;
    *arena_push(cli->arena, &names) = NULL;
    for (size_t k = 0; k < o->kinds.num; k++) {
        bool known = false;
        for (size_t i = 0; i + 1 < names.num; i++)
            known = known || strcmp(names.items[i], o->kinds.items[k]) == 0;
        if (!known)
            return log_fail(cli->log, EM_ERR_CONFIG, "--kind %s: there is no such kind%s",
                            o->kinds.items[k],
                            options_suggest(cli->arena, o->kinds.items[k], names.items));
    }
    return EM_OK;
}

static enum em_status cache_run(struct cli *cli, const void *options, const char *const *args,
                                int num_args)
{
    (void) num_args;
    static const char *const verbs[] = {"list", "prune", NULL};
    const struct cache_options *o = options;
    const bool is_prune = strcmp(args[0], verbs[1]) == 0;
    if (!is_prune && strcmp(args[0], verbs[0]) != 0)
        return log_fail(cli->log, EM_ERR_CONFIG, "cache: \"%s\" is not what it does%s", args[0],
                        options_suggest(cli->arena, args[0], verbs));
    if (!is_prune && (o->all || o->dry))
        return log_fail(cli->log, EM_ERR_CONFIG, "cache list: --all and --dry-run belong to prune");
    if (is_prune && !o->all && !o->kinds.num && o->older == ANY_AGE)
        return log_fail(cli->log, EM_ERR_CONFIG,
                        "cache prune: say what is to go: --older N (days), --kind K, or --all");
    struct cache_item *items;
    int num;
    EM_TRY(cache_list(cli->log, cli->arena, cli->cache_folder, &items, &num));
    EM_TRY(check_kinds(cli, o, items, num));
    return is_prune ? prune(cli, o, items, num) : list(cli, o, items, num);
}

const struct cli_command cli_cache = {
    .name = "cache",
    .arguments = "list|prune",
    .summary = "Show what is kept for later runs, or remove it",
    .about =
        "What takes long to compute is kept in $XDG_CACHE_HOME/emend, else ~/.cache/emend, and\n"
        "found again by content: removing it costs time, never a result. prune needs --older,\n"
        "--kind or --all; together they must all hold. What another process is computing stays,\n"
        "and fetched models stay unless --kind models names them.",
    .min_args = 1,
    .max_args = 1,
    .options = cache_table,
    .options_size = sizeof(struct cache_options),
    .run = cache_run,
};
