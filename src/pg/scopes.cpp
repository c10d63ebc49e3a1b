// Roles, settings and snapshots for the lifetime of an object. An error puts nothing back here; the abort of the
// (sub)transaction does.
#include "pg/scopes.hpp"

#include "pg/compat_values.hpp"

#include "pg/called_settings.hpp"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
}

#include <cstring>
#include <exception>

namespace softdelete::pg {

namespace {

constexpr const char *pinned_path = "pg_catalog, pg_temp";

struct PinnedSetting {
    const char *name;
    const char *value;
    bool (*is_in_force)();
};

const PinnedSetting pinned_settings[] = {
    {"search_path", pinned_path, [] { return strcmp(namespace_search_path, pinned_path) == 0; }},
    {"quote_all_identifiers", "off", [] { return !quote_all_identifiers; }},
    {"standard_conforming_strings", "on", [] { return compat::are_strings_standard(); }},
    {"IntervalStyle", "postgres", [] { return IntervalStyle == INTSTYLE_POSTGRES; }},
};

// Plain assignments, right on the way out of an error as well.
Role act_as(Oid user, int restrictions) noexcept {
    Role before = {};
    GetUserIdAndSecContext(&before.user, &before.context);
    SetUserIdAndSecContext(user, before.context | SECURITY_LOCAL_USERID_CHANGE | restrictions);
    return before;
}

} // namespace

Role act_as_owner(Oid owner) noexcept {
    return act_as(owner, SECURITY_NOFORCE_RLS);
}

void act_as(const Role &role) noexcept {
    SetUserIdAndSecContext(role.user, role.context);
}

Acting begin_acting(Oid role) {
    bool is_others = runs_others_code(role, CalledSettings::caller());
    Role before = act_as(role, SECURITY_RESTRICTED_OPERATION);
    return {before, is_others ? NewGUCNestLevel() : 0};
}

Acting begin_acting_in_command(Oid role, int context) {
    bool is_others = CalledSettings::are_in_force() && runs_others_code(role, CalledSettings::caller());
    Role before = act_as(role, is_others ? context | SECURITY_RESTRICTED_OPERATION : context);
    return {before, is_others ? NewGUCNestLevel() : 0};
}

void end_acting(const Acting &acting) {
    if (acting.nest_level != 0) {
        AtEOXact_GUC(false, acting.nest_level);
    }
    act_as(acting.before);
}

RoleScope::RoleScope(Oid role, int context)
    : is_others_(call([&] { return runs_others_code(role, CalledSettings::caller()); }))
    , saved_(act_as(role, is_others_ ? context | SECURITY_RESTRICTED_OPERATION : context)) {
    if (is_others_) {
        nest_level_ = NewGUCNestLevel();
    }
}

RoleScope::~RoleScope() {
    if (is_others_ && std::uncaught_exceptions() == 0) {
        AtEOXact_GUC(false, nest_level_);
    }
    act_as(saved_);
}

UserScope::UserScope(Oid role) : RoleScope(role, SECURITY_RESTRICTED_OPERATION) {}

OwnerScope::OwnerScope(Oid owner) : RoleScope(owner, SECURITY_NOFORCE_RLS) {}

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

int pin_session() {
    int nest_level = 0;
    for (const PinnedSetting &setting : pinned_settings) {
        if (!setting.is_in_force()) {
            nest_level = nest_level == 0 ? NewGUCNestLevel() : nest_level;
            (void)set_config_option(setting.name, setting.value, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE,
                                    true, 0, false);
        }
    }
    return nest_level;
}

void unpin_session(int nest_level) {
    if (nest_level != 0) {
        AtEOXact_GUC(true, nest_level);
    }
}

PinnedScope::PinnedScope() : nest_level_(call([] { return pin_session(); })) {}

PinnedScope::~PinnedScope() {
    if (std::uncaught_exceptions() == 0) {
        unpin_session(nest_level_);
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

PastScope::PastScope(CommandId before) : snapshot_(call([] { return GetLatestSnapshot(); })) {
    GetActiveSnapshot()->curcid = before; // a copy of its own, as UpdateActiveSnapshotCommandId() has it
}

void pin_search_path() {
    call([] {
        (void)set_config_option("search_path", pinned_path, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL,
                                true, 0, false);
    });
}

Oid find_extension_owner() {
    HeapTuple schema =
        SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(get_namespace_oid("softdelete", false)));
    Oid owner = reinterpret_cast<Form_pg_namespace>(GETSTRUCT(schema))->nspowner;
    ReleaseSysCache(schema);
    return owner;
}

Oid get_extension_owner() {
    return call([] { return find_extension_owner(); });
}

} // namespace softdelete::pg
