// Kept by objects of C++, which end with their command on every way out of it.
#include "pg/called_settings.hpp"

#include "pg/compat_values.hpp"
#include "pg/interruptions.hpp"

extern "C" {
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
}

#include <cstring>

namespace softdelete::pg {

namespace {

CalledSettings *innermost = nullptr;
StatementCount count_running_statements = nullptr;

} // namespace

CalledSettings::CalledSettings()
    : caller_(GetUserId())
    , running_statements_(count_running_statements())
    , outer_(innermost) {
    values_.emplace_back("search_path", namespace_search_path);
    if (IntervalStyle != INTSTYLE_POSTGRES) { // which pg::PinnedScope sets
        keep("IntervalStyle");
    }
    innermost = this;
}

CalledSettings::CalledSettings(const CalledSettings *outer)
    : caller_(outer == nullptr ? GetUserId() : outer->caller_)
    , running_statements_(count_running_statements())
    , outer_(innermost) {
    if (outer != nullptr) {
        values_ = outer->values_;
    }
    innermost = this;
}

CalledSettings CalledSettings::copy() {
    return CalledSettings(innermost);
}

CalledSettings::~CalledSettings() {
    innermost = outer_;
}

void CalledSettings::keep(const char *name) {
    values_.emplace_back(name, call([&] { return GetConfigOption(name, false, false); }));
}

void CalledSettings::set_path(const std::string &path) {
    for (auto &[name, value] : values_) {
        if (strcmp(name, "search_path") == 0) {
            value = path;
        }
    }
}

namespace {

void set(const char *name, const std::string &value) {
    (void)set_config_option(name, value.c_str(), PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

} // namespace

void CalledSettings::apply() {
    if (innermost == nullptr) {
        return;
    }
    for (const auto &[name, value] : innermost->values_) {
        set(name, value);
    }
}

void CalledSettings::apply_path() {
    if (innermost == nullptr) {
        return;
    }
    for (const auto &[name, value] : innermost->values_) {
        if (strcmp(name, "search_path") == 0) {
            set(name, value);
        }
    }
}

Oid CalledSettings::caller() noexcept {
    return innermost == nullptr ? GetOuterUserId() : innermost->caller_;
}

bool CalledSettings::are_in_force() noexcept {
    return innermost != nullptr;
}

bool CalledSettings::began_at(int running_statements) noexcept {
    return innermost != nullptr && innermost->running_statements_ == running_statements;
}

void install_statement_count(StatementCount count) noexcept {
    count_running_statements = count;
}

bool runs_others_code(Oid role, Oid caller) {
    Oid login = GetOuterUserId();
    return role != caller && role != login && !has_privs_of_role(role, login);
}

Datum read_as_caller(const std::string &text, Oid type, Oid reader, const std::string &hint) {
    SettingScope settings;
    UserScope owner(reader);
    try {
        return call([&] {
            CalledSettings::apply();
            Oid input = InvalidOid;
            Oid parameter = InvalidOid;
            getTypeInputInfo(type, &input, &parameter);
            return OidInputFunctionCall(input, const_cast<char *>(text.c_str()), parameter, -1);
        });
    } catch (ServerError &error) {
        if (!is_interruption(error)) {
            error.set_hint(hint);
        }
        throw;
    }
}

bool may_be_value(const std::string &text, Oid type) {
    if (type >= FirstNormalObjectId) {
        return true;
    }
    SettingScope settings;
    return call([&] {
        CalledSettings::apply();
        Oid input = InvalidOid;
        Oid parameter = InvalidOid;
        FmgrInfo function;
        getTypeInputInfo(type, &input, &parameter);
        fmgr_info(input, &function);
        return compat::takes_text(&function, const_cast<char *>(text.c_str()), parameter);
    });
}

NamedTableScope::NamedTableScope(Oid table, Oid owner) {
    bool is_owners = call([&] {
        return GetUserId() != owner && has_privs_of_role(GetUserId(), owner)
               && check_enable_rls(table, InvalidOid, true) != RLS_ENABLED;
    });
    if (is_owners) {
        owner_.emplace(owner);
    }
}

} // namespace softdelete::pg
