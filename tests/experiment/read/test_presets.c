// The presets: each resolves, at every point of its sweep, where its files are there; where they
// are not, it is said what to fetch. Stand-ins have the shapes that matter: as many layers, as many
// records.

#include "room.h"

#include <dirent.h>
#include <unistd.h>

#include "experiment/sweep/sweep.h"

enum { DIM = 64, FFN = 176, KV = 32, VOCAB = 769, RECORDS = 4096 };

struct lot { // of zeros, as a safetensors file
    struct arena *arena;
    char *header;
    size_t size; // bytes of data
};

static void put_tensor(struct lot *lot, const char *name, int rows, int cols)
{
    const size_t end = lot->size + (size_t) 2 * (size_t) (rows ? rows : 1) * (size_t) cols;
    const char *shape =
        rows ? arena_print(lot->arena, "%d, %d", rows, cols) : arena_print(lot->arena, "%d", cols);
    lot->header = arena_print(
        lot->arena,
        "%s%s\"%s\": {\"dtype\": \"F16\", \"shape\": [%s], \"data_offsets\": [%zu, %zu]}",
        lot->header, *lot->header ? ", " : "", name, shape, lot->size, end);
    lot->size = end;
}

static void put_layer(struct lot *lot, int layer)
{
    static const struct {
        const char *name;
        int rows, cols;
    } tensors[] = {
        {"input_layernorm", 0, DIM},    {"self_attn.q_proj", DIM, DIM},
        {"self_attn.k_proj", KV, DIM},  {"self_attn.v_proj", KV, DIM},
        {"self_attn.o_proj", DIM, DIM}, {"post_attention_layernorm", 0, DIM},
        {"mlp.gate_proj", FFN, DIM},    {"mlp.up_proj", FFN, DIM},
        {"mlp.down_proj", DIM, FFN},
    };
    for (size_t i = 0; i < sizeof(tensors) / sizeof(*tensors); i++)
        put_tensor(lot,
                   arena_print(lot->arena, "model.layers.%d.%s.weight", layer, tensors[i].name),
                   tensors[i].rows, tensors[i].cols);
}

// A model folder of so many layers, with the small world's tokenizer.
static void write_model(struct room *r, const char *name, int layers)
{
    const char *folder = room_path(r, name);
    room_ok(r, folder_make(r->log, folder));
    struct lot lot = {.arena = r->arena, .header = arena_copy(r->arena, "")};
    put_tensor(&lot, "model.embed_tokens.weight", VOCAB, DIM);
    put_tensor(&lot, "model.norm.weight", 0, DIM);
    put_tensor(&lot, "lm_head.weight", VOCAB, DIM);
    for (int i = 0; i < layers; i++)
        put_layer(&lot, i);
    const char *header = arena_print(r->arena, "{%s}", lot.header);
    const uint64_t length = strlen(header); // of little-endian machines, as the tests are
    const struct file_part parts[] = {
        {&length, sizeof(length)}, {header, length}, {arena_alloc(r->arena, lot.size), lot.size}};
    room_ok(r,
            file_write_parts(r->log, path_join(r->arena, folder, "model.safetensors"), parts, 3));
    char *config = room_read(r, WORLD "/config.json");
    char *at = strstr(config, "\"num_hidden_layers\": 4");
    assert_non_null(at);
    room_write(r, arena_print(r->arena, "%s/config.json", name),
               arena_print(r->arena, "%.*s\"num_hidden_layers\": %d%s", (int) (at - config), config,
                           layers, at + strlen("\"num_hidden_layers\": 4")));
    assert_int_equal(
        symlink(WORLD "/tokenizer.json", path_join(r->arena, folder, "tokenizer.json")), 0);
}

static void write_records(struct room *r)
{
    cJSON *records = cJSON_CreateArray(), *order = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(order, "0");
    for (int i = 0; i < RECORDS; i++) {
        const char *text = arena_print(
            r->arena,
            "{\"case_id\": %d, \"requested_rewrite\": {\"prompt\": \"{} speaks\", \"subject\": "
            "\"Person %d\", \"target_new\": {\"str\": \"Krutian\"}, \"target_true\": {\"str\": "
            "\"Grerian\"}}, \"paraphrase_prompts\": [\"So says\"], \"neighborhood_prompts\": [\"As "
            "does\"]}",
            i, i);
        cJSON_AddItemToArray(records, cJSON_Parse(text));
        cJSON_AddItemToArray(list, cJSON_CreateNumber(RECORDS - 1 - i));
    }
    char *text = cJSON_PrintUnformatted(records), *positions = cJSON_PrintUnformatted(order);
    room_write(r, "data/counterfact.json", text);
    room_write(r, "data/counterfact_sampled_unique_cf_10_20000.json", positions);
    free(text);
    free(positions);
    cJSON_Delete(records);
    cJSON_Delete(order);
}

struct presets {
    const char **items;
    size_t num, cap;
};

static struct presets list_presets(struct arena *a)
{
    struct presets list = {0};
    DIR *folder = opendir(EXPERIMENTS);
    assert_non_null(folder);
    for (const struct dirent *e; (e = readdir(folder));) {
        const char *dot = strrchr(e->d_name, '.');
        if (dot && strcmp(dot, ".json") == 0 && strncmp(e->d_name, "demo-", 5) != 0)
            *arena_push(a, &list) = arena_copy(a, e->d_name);
    }
    closedir(folder);
    return list;
}

static enum em_status give_model(void *user, const char *name, struct arena *a, const char **path)
{
    const struct room *r = user;
    assert_string_equal(name, "smollm2");
    *path = path_join(a, r->folder, "models/smollm2");
    return EM_OK;
}

static struct sweep *open_preset(struct room *r, const char *path)
{
    room_new_log(r);
    return sweep_open(&(struct experiment_params) {.log = r->log,
                                                   .registry = r->registry,
                                                   .path = path,
                                                   .out = room_path(r, "out"),
                                                   .cache_folder = room_path(r, "cache"),
                                                   .fetch = give_model,
                                                   .fetch_user = r});
}

static void test_resolve(void **state)
{
    (void) state;
    static const struct {
        const char *name;
        int points;
    } sweeps[] = {
        {"llama3-layer-sweep", 64},
        {"llama3-batch-size", 10},
        {"llama3-lambda", 7},
        {"llama3-sequential-batched", 8},
        {"llama2-layer-sweep", 64},
        {"llama2-batch-size", 10},
        {"llama2-lambda", 7},
        {"llama2-sequential-batched", 8},
        {"smollm2-layer-sweep", 60},
        {"smollm2-counterfact-layer-sweep", 60},
        {"smollm2-batch-size", 10},
        {"smollm2-lambda", 16},
        {"smollm2-sequential-batched", 6},
    };
    struct room r;
    room_open(&r);
    room_ok(&r, folder_make(r.log, room_path(&r, "data")));
    write_model(&r, "models/smollm2", 30);
    write_model(&r, "meta-llama/Meta-Llama-3-8B", 32);
    write_model(&r, "meta-llama/Llama-2-7b-hf", 32);
    write_records(&r);
    room_write(&r, "data/wikipedia.jsonl", "{\"text\": \"One article.\"}\n");
    room_write(&r, "data/facts.json", room_read(&r, EXPERIMENTS "/data/facts.json"));
    room_write(&r, "data/neutral.txt", room_read(&r, EXPERIMENTS "/data/neutral.txt"));
    const struct presets presets = list_presets(r.arena);
    for (size_t i = 0; i < presets.num; i++)
        room_write(&r, presets.items[i],
                   room_read(&r, path_join(r.arena, EXPERIMENTS, presets.items[i])));
    int found = 0;
    for (size_t i = 0; i < presets.num; i++) {
        struct sweep *s = open_preset(&r, room_path(&r, presets.items[i]));
        if (!s)
            fail_msg("%s: %s", presets.items[i], log_error(r.log));
        for (size_t k = 0; k < sizeof(sweeps) / sizeof(*sweeps); k++)
            if (strcmp(presets.items[i], arena_print(r.arena, "%s.json", sweeps[k].name)) == 0) {
                assert_int_equal(sweep_num_points(s), sweeps[k].points);
                found++;
            }
        sweep_destroy(&s);
    }
    assert_int_equal(found, sizeof(sweeps) / sizeof(*sweeps));
    room_close(&r);
}

// Each thing that is to be fetched, and where to put it.
static void test_missing(void **state)
{
    (void) state;
    static const char *const needed[] = {
        "meta-llama/Meta-Llama-3-8B\": ",
        "fetch meta-llama/Meta-Llama-3-8B (16 GB) from Hugging Face",
        "data/wikipedia.jsonl\": ",
        "fetch text of Wikipedia",
        "data/counterfact.json\": ",
        "fetch counterfact.json",
        "fetch the study's order",
        "/data/counterfact.json\n",
        "4 files are missing; nothing else is wrong"};
    struct room r;
    room_open(&r);
    const struct presets presets = list_presets(r.arena);
    for (size_t i = 0; i < presets.num; i++) {
        if (strncmp(presets.items[i], "llama3", 6) != 0)
            continue;
        const char *path = room_write(
            &r, presets.items[i], room_read(&r, path_join(r.arena, EXPERIMENTS, presets.items[i])));
        room_write(&r, "llama3.json", room_read(&r, EXPERIMENTS "/llama3.json"));
        room_ok(&r, folder_make(r.log, room_path(&r, "data")));
        room_write(&r, "data/neutral.txt", room_read(&r, EXPERIMENTS "/data/neutral.txt"));
        assert_null(open_preset(&r, path));
        assert_int_equal(log_status(r.log), EM_ERR_CONFIG);
        for (size_t k = 0; k < sizeof(needed) / sizeof(*needed); k++)
            if (!strstr(log_error(r.log), needed[k]))
                fail_msg("%s: %s\nlacks %s", presets.items[i], log_error(r.log), needed[k]);
        assert_false(file_exists(room_path(&r, "out")));
    }
    room_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resolve),
        cmocka_unit_test(test_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
