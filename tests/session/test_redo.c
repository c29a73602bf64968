// Changes undone and made again from files, to the bit: additions, whole matrices and kept rows in
// their order; files that are damaged, or of another state, change nothing.

#include "fixture.h"

#include <unistd.h>

#include "base/file/file.h"

enum { LAYERS = 2, FILES = 2 };

struct desk { // a session with changes in two files
    struct fixture f;
    const char *folder, *paths[FILES];
    float *unedited[LAYERS], *edited[LAYERS]; // down-projections
    char state[65];
};

static float *read_down(struct fixture *f, int layer)
{
    const struct em_model *m = em_model(f->s);
    float *w = arena_array(f->arena, float, (size_t) m->dim *(size_t) m->ffn);
    fixture_ok(f, em_weight_read(f->s, EM_MATRIX_DOWN, layer, w));
    return w;
}

static size_t bytes_of(struct fixture *f)
{
    return (size_t) em_model(f->s)->dim * (size_t) em_model(f->s)->ffn * sizeof(float);
}

static void add(struct fixture *f, enum em_matrix m, int layer, int n)
{
    const struct tensor t = f->s->original[layer].matrix[m];
    fixture_ok(f, em_weight_add(f->s, m, layer, fixture_floats(f, (size_t) n * t.rows, 0.1f),
                                fixture_floats(f, (size_t) n * t.cols, 0.1f), n));
}

// Two batches: the second goes on with what the first changed and kept.
static void make_changes(struct desk *d)
{
    struct fixture *f = &d->f;
    int since;
    for (int i = 0; i < FILES; i++) {
        session_edits(f->s, &since);
        add(f, EM_MATRIX_DOWN, 0, 3);
        fixture_ok(f, em_keep(f->s, "K0.layer", fixture_floats(f, 10, 1), 2, 5));
        add(f, EM_MATRIX_DOWN, 1, 1 + i);
        if (i == 0) {
            float *w = read_down(f, 1);
            w[3] += 0.5f;
            fixture_ok(f, em_weight_write(f->s, EM_MATRIX_DOWN, 1, w));
        }
        fixture_ok(f, em_keep(f->s, "K1", fixture_floats(f, 3, 1), 1, 3));
        add(f, EM_MATRIX_Q, 0, 1);
        d->paths[i] = arena_print(f->arena, "%s/%d.safetensors", d->folder, i);
        fixture_ok(f, session_edits_save(f->s, d->paths[i], since));
    }
}

static void open_desk(struct desk *d, enum op_matmul matmul)
{
    char name[] = "/tmp/emend-redo-XXXXXX";
    fixture_open(&d->f, &(struct fixture_params) {.matmul = matmul});
    assert_non_null(mkdtemp(name));
    d->folder = arena_copy(d->f.arena, name);
    for (int l = 0; l < LAYERS; l++)
        d->unedited[l] = read_down(&d->f, l);
    make_changes(d);
    for (int l = 0; l < LAYERS; l++)
        d->edited[l] = read_down(&d->f, l);
    memcpy(d->state, session_state_hash(d->f.s), sizeof(d->state));
}

// The changes of the files, made in host memory without a session, are the session's to the bit.
static void check_without_session(struct desk *d)
{
    struct fixture *f = &d->f;
    float *w[LAYERS];
    for (int l = 0; l < LAYERS; l++)
        w[l] = arena_copy_bytes(f->arena, d->unedited[l], bytes_of(f));
    for (int i = 0; i < FILES; i++) {
        struct session_edits_file file;
        fixture_ok(f, session_edits_read(f->log, f->arena, f->s->files, d->paths[i], &file));
        for (int c = 0; c < file.num; c++)
            if (file.changes[c].matrix == EM_MATRIX_DOWN && file.changes[c].kind != SESSION_KEEP)
                session_edit_apply(&file.changes[c], w[file.changes[c].layer]);
        assert_string_equal(i ? file.after : file.before, i ? d->state : session_model_hash(f->s));
    }
    for (int l = 0; l < LAYERS; l++)
        assert_memory_equal(w[l], d->edited[l], bytes_of(f));
}

static void close_desk(struct desk *d)
{
    folder_remove(d->folder);
    fixture_close(&d->f);
}

static void check_weights(struct desk *d, float *const *expected)
{
    for (int l = 0; l < LAYERS; l++)
        assert_memory_equal(read_down(&d->f, l), expected[l], bytes_of(&d->f));
}

static void check_redo(enum op_matmul matmul)
{
    struct desk d;
    open_desk(&d, matmul);
    struct fixture *f = &d.f;
    const float *before, *after;
    int num, width, edits, again;
    fixture_ok(f, em_kept(f->s, "K0.layer", &before, &num, &width));
    assert_int_equal(num, 4);
    const float *kept = arena_copy_bytes(f->arena, before, 20 * sizeof(float));
    session_edits(f->s, &edits);
    fixture_ok(f, session_revert(f->s));
    check_weights(&d, d.unedited);
    assert_string_equal(session_state_hash(f->s), session_model_hash(f->s));
    for (int i = 0; i < FILES; i++) {
        assert_true(session_edits_fit(f->s, d.paths[i]));
        fixture_ok(f, session_edits_load(f->s, d.paths[i]));
    }
    check_weights(&d, d.edited);
    check_without_session(&d);
    assert_string_equal(session_state_hash(f->s), d.state);
    session_edits(f->s, &again);
    assert_int_equal(again, edits);
    fixture_ok(f, em_kept(f->s, "K0.layer", &after, &num, &width));
    assert_int_equal(num, 4);
    assert_int_equal(width, 5);
    assert_memory_equal(after, kept, 20 * sizeof(float));
    // saved again, the files are the same
    const char *path = arena_print(f->arena, "%s/again", d.folder);
    char hash[65], hash_again[65];
    fixture_ok(f, session_revert(f->s));
    fixture_ok(f, session_edits_load(f->s, d.paths[0]));
    fixture_ok(f, session_edits_save(f->s, path, 0));
    fixture_ok(f, hash_file(f->log, d.paths[0], hash));
    fixture_ok(f, hash_file(f->log, path, hash_again));
    assert_string_equal(hash, hash_again);
    close_desk(&d);
}

static void test_shader(void **state)
{
    (void) state;
    check_redo(OP_MATMUL_SHADER);
}

static void test_host(void **state)
{
    (void) state;
    check_redo(OP_MATMUL_AUTO);
}

static void check_refused(struct desk *d, const char *path, const char *message)
{
    struct fixture *f = &d->f;
    assert_false(session_edits_fit(f->s, path));
    assert_string_equal(log_error(f->log), "");
    assert_int_equal(session_edits_load(f->s, path), EM_ERR_CONFIG);
    if (message)
        assert_string_equal(log_error(f->log), arena_print(f->arena, "%s: %s", path, message));
    log_clear(f->log);
}

// Every byte that is turned is found out, wherever it stands; a file cut off too.
static void test_damage(void **state)
{
    (void) state;
    struct desk d;
    char *text;
    size_t size;
    open_desk(&d, OP_MATMUL_AUTO);
    struct fixture *f = &d.f;
    fixture_ok(f, session_revert(f->s));
    fixture_ok(f, file_read(f->log, f->arena, d.paths[0], &text, &size));
    const char *path = arena_print(f->arena, "%s/damaged", d.folder);
    for (size_t i = 8; i < size; i += 1 + size / 300) {
        text[i] ^= 4;
        fixture_ok(f, file_write(f->log, path, text, size));
        check_refused(&d, path, NULL);
        text[i] ^= 4;
    }
    fixture_ok(f, file_write(f->log, path, text, size));
    assert_true(session_edits_fit(f->s, path));
    for (size_t keep = 0; keep < size; keep += 1 + size / 8) {
        fixture_ok(f, file_write(f->log, path, text, keep));
        assert_false(session_edits_fit(f->s, path));
    }
    text[size - 1] ^= 1;
    fixture_ok(f, file_write(f->log, path, text, size));
    check_refused(&d, path, "is damaged: its changes have another hash");
    check_refused(&d, d.paths[1], "its changes were made on another state of the model");
    assert_false(session_edits_fit(f->s, "/nowhere"));
    check_weights(&d, d.unedited);
    assert_string_equal(session_state_hash(f->s), session_model_hash(f->s));
    close_desk(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shader),
        cmocka_unit_test(test_host),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
