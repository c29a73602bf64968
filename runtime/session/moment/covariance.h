// What the files of this folder share of a layer's covariance: where it is kept in the session, and
// how it comes from a file.

#ifndef SESSION_COVARIANCE_H
#define SESSION_COVARIANCE_H

#include "model/safetensors.h"
#include "session/internal.h"

EM_MUST_CHECK enum em_status covariance_check_layer(struct em_session *s, int layer);
void covariance_free_layer(struct covariance *c);
// Zeroed doubles, [F, F] or another number that may not fit the host; free() them.
EM_MUST_CHECK enum em_status covariance_matrix(struct em_session *s, size_t count, double **out);

// C is the layer's from now on; the file says so itself where `path` does not name one of the
// user's.
EM_MUST_CHECK enum em_status covariance_take(struct em_session *s, int layer, const char *path,
                                             const struct st_file *f);
// What a file holds of a layer: C, and the number of keys that it is the mean over.
void covariance_tensors(const struct em_session *s, int layer, struct st_tensor out[2]);

#endif
