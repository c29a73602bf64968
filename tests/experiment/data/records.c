// Data sets read as an experiment reads them; see records.h.

#include "records.h"

enum em_status records_read_in_batches(struct room *r, const char *metric, int batch_size,
                                       const struct spec_data *data, struct data_set *out)
{
    const char *path = room_write(r, "x.json", "{\n\"data\":\n{\"count\": 1}}");
    struct document *d = document_open(&(struct document_params) {.log = r->log, .path = path});
    assert_non_null(d);
    struct spec_metric metrics[] = {{metric ? registry_metric(r->registry, metric) : NULL, NULL}};
    const struct spec spec = {.log = r->log,
                              .arena = r->arena,
                              .document = d,
                              .data = *data,
                              .run = {.mode = SPEC_BATCH, .batch_size = batch_size},
                              .metrics = metrics,
                              .num_metrics = metric ? 1 : 0};
    enum em_status status = data_read(r->log, r->arena, &spec, out);
    if (status == EM_OK)
        status = applies_check_metrics(&spec, r->registry, out);
    if (status == EM_OK && batch_size)
        status = applies_check_batches(&spec, out);
    document_close(&d);
    return status;
}

enum em_status records_read(struct room *r, const char *metric, const struct spec_data *data,
                            struct data_set *out)
{
    return records_read_in_batches(r, metric, 0, data, out);
}
