// Roles and settings for a while.
#include "pg/scopes.hpp"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
}

#include <exception>

namespace softdelete::pg {

namespace {

PinnedPathScope *innermost_path = nullptr;

} // namespace

UserScope::UserScope(Oid role) {
    GetUserIdAndSecContext(&saved_role_, &saved_context_);
    SetUserIdAndSecContext(role,
                           saved_context_ | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
}

// Plain assignments, right on the way out of an error as well.
UserScope::~UserScope() {
    SetUserIdAndSecContext(saved_role_, saved_context_);
}

OwnerScope::OwnerScope(Oid owner) {
    GetUserIdAndSecContext(&saved_role_, &saved_context_);
    SetUserIdAndSecContext(owner, saved_context_ | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
}

OwnerScope::~OwnerScope() {
    SetUserIdAndSecContext(saved_role_, saved_context_);
}

SettingScope::SettingScope() {
    nest_level_ = call([] { return NewGUCNestLevel(); });
}

SettingScope::~SettingScope() {
    if (std::uncaught_exceptions() == 0) {
        AtEOXact_GUC(true, nest_level_);
    }
}

void SettingScope::set(const char *name, const char *value) {
    call([&] {
        (void)set_config_option(name, value, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
    });
}

PinnedPathScope::PinnedPathScope() : callers_path_(namespace_search_path), outer_(innermost_path) {
    settings_.set("search_path", "pg_catalog, pg_temp");
    innermost_path = this;
}

PinnedPathScope::~PinnedPathScope() {
    innermost_path = outer_;
}

CallersPathScope::CallersPathScope() {
    if (innermost_path != nullptr) {
        settings_.set("search_path", innermost_path->callers_path_.c_str());
    }
}

ExactTextScope::ExactTextScope() {
    settings_.set("DateStyle", "ISO, YMD");
    settings_.set("IntervalStyle", "postgres");
    settings_.set("TimeZone", "UTC");
    settings_.set("extra_float_digits", "1");
    settings_.set("bytea_output", "hex");
    settings_.set("lc_monetary", "C");
}

SnapshotScope::SnapshotScope(Snapshot snapshot) {
    call([&] { PushActiveSnapshot(snapshot); });
}

SnapshotScope::~SnapshotScope() {
    if (std::uncaught_exceptions() == 0) {
        PopActiveSnapshot();
    }
}

void pin_search_path() {
    call([] {
        (void)set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
                                GUC_ACTION_LOCAL, true, 0, false);
    });
}

Oid get_extension_owner() {
    return call([] {
        HeapTuple schema =
            SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(get_namespace_oid("softdelete", false)));
        Oid owner = reinterpret_cast<Form_pg_namespace>(GETSTRUCT(schema))->nspowner;
        ReleaseSysCache(schema);
        return owner;
    });
}

} // namespace softdelete::pg
