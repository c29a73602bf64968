// What the files of this folder share: the members of a zip archive, an array's header, CRC-32.
// Private to this folder.

#ifndef MODEL_NPZ_PARTS_H
#define MODEL_NPZ_PARTS_H

#include "base/number/bytes.h"
#include "model/npz.h"

struct zip_member {
    const char *name;
    int flags, method;
    uint32_t crc;
    uint64_t packed, size; // bytes in the file, bytes when unpacked
    uint64_t at;           // of its local header
};

// The members that the archive's directory names; where their data is, is not looked at.
EM_MUST_CHECK enum em_status zip_list(struct npz_file *f);
// A member's data, which must be stored as it is.
EM_MUST_CHECK enum em_status zip_data(const struct npz_file *f, const struct zip_member *member,
                                      const uint8_t **data);

// The header of array `x->name`; fills the rest of *x.
EM_MUST_CHECK enum em_status npy_parse(const struct npz_file *f, const uint8_t *data, uint64_t size,
                                       struct npz_array *x);
// The header of an array, its length a multiple of 64.
const char *npy_header(struct arena *a, const struct npz_array *x, size_t *size);

// IEEE 802.3, of what `crc` was taken of (0: nothing) and then `data`.
uint32_t crc32_more(uint32_t crc, const void *data, size_t size);

// Bytes of each record of an archive.
enum { ZIP_LOCAL = 30, ZIP_ENTRY = 46, ZIP_END = 22, ZIP_LOCATOR = 20, ZIP_END_64 = 56 };

#endif
