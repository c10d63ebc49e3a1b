// A token goes through clients' hands: Citus shows what it sends, and whoever may connect to a worker can write a statement on a
// shard himself. So it carries a seal, an HMAC of what it says, of the table and of the role: nobody makes one up, and one
// that was seen does no more than its deletion did. Called by api/distributed_functions.
#include "deletion/sealed_token.hpp"

#include "session/distributed_tables.hpp"
#include "settings.hpp"

extern "C" {
#include "common/hmac.h"
#include "common/sha2.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
}

#include <cstdio>
#include <cstring>

namespace softdelete::deletion {

namespace {

constexpr int seal_length = 2 * PG_SHA256_DIGEST_LENGTH;

[[noreturn]] void refuse() {
    ereport(ERROR,
            (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
             errmsg("permission denied to say which deletion rows of a shard join"),
             errdetail("Only the coordinator can, which has the softdelete.node_secret of this node.")));
    pg_unreachable();
}

// As many bytes as the number says: no two lists of texts are written alike.
char *add(char *message, const char *text) {
    return psprintf("%s%zu:%s,", message, strlen(text), text);
}

char *make_seal(Oid relation, const Token &token) {
    const char *secret = settings::node_secret();
    if (secret == nullptr) {
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("softdelete.node_secret is not set on this node"),
                        errhint("Set it to one secret in the configuration files of all nodes of Citus.")));
    }
    char *message = pstrdup("softdelete deletion ");
    message = add(message, get_namespace_name(get_rel_namespace(relation)));
    message = add(message, get_rel_name(relation));
    message = add(message, GetUserNameFromId(GetUserId(), false));
    message = add(message, psprintf(INT64_FORMAT " " INT64_FORMAT, token.id, token.time));
    message = add(message, token.actor);
    uint8 digest[PG_SHA256_DIGEST_LENGTH];
    pg_hmac_ctx *context = pg_hmac_create(PG_SHA256);
    bool is_made = context != nullptr
                   && pg_hmac_init(context, reinterpret_cast<const uint8 *>(secret), strlen(secret)) >= 0
                   && pg_hmac_update(context, reinterpret_cast<const uint8 *>(message), strlen(message)) >= 0
                   && pg_hmac_final(context, digest, sizeof(digest)) >= 0;
    pg_hmac_free(context);
    if (!is_made) {
        elog(ERROR, "could not seal a deletion");
    }
    char *seal = static_cast<char *>(palloc(seal_length + 1));
    for (int i = 0; i < PG_SHA256_DIGEST_LENGTH; i++) {
        pg_snprintf(seal + 2 * i, 3, "%02x", digest[i]);
    }
    return seal;
}

// Takes as long whatever differs.
bool is_same(const char *left, const char *right) {
    unsigned char difference = 0;
    for (int i = 0; i < seal_length; i++) {
        difference |= static_cast<unsigned char>(left[i] ^ right[i]);
    }
    return difference == 0;
}

} // namespace

const char *make_token(Oid relation, const Token &token) {
    return psprintf("%s " INT64_FORMAT " " INT64_FORMAT " %s", make_seal(relation, token), token.id,
                    token.time, token.actor);
}

Token read_token(const char *text) {
    Token token = {0, 0, ""};
    int length = 0;
    if (strnlen(text, seal_length) < seal_length
        || sscanf(text + seal_length, " " INT64_FORMAT " " INT64_FORMAT " %n", &token.id, &token.time,
                  &length)
               != 2
        || length == 0 || (text[seal_length + length] != '=' && text[seal_length + length] != '~')) {
        refuse();
    }
    token.actor = text + seal_length + length;
    return token;
}

void check_token(Oid shard, const char *text) {
    Oid relation = session::find_table_of_shard(shard);
    if (!OidIsValid(relation) || !is_same(make_seal(relation, read_token(text)), text)) {
        refuse();
    }
}

} // namespace softdelete::deletion
