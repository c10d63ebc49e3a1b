// Makes the name of a constraint trigger from the name of its foreign key. Called wherever such a trigger is made or
// looked for; the prefixes stand in model/trigger_names.
#include "catalog/link_names.hpp"

extern "C" {
#include "common/md5.h"
}

#include <cstring>

namespace softdelete::catalog {

const char *make_link_name(const char *prefix, const char *key) {
    if (strlen(prefix) + strlen(key) < NAMEDATALEN) {
        return psprintf("%s%s", prefix, key);
    }
    char digest[MD5_DIGEST_LENGTH * 2 + 1];
    const char *error = nullptr;
    if (!pg_md5_hash(key, strlen(key), digest, &error)) {
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not compute a digest: %s", error)));
    }
    return psprintf("%s%.16s", prefix, digest);
}

} // namespace softdelete::catalog
