// A stack kept by nest level, as that of the running statements is: an error leaves entries behind, and the abort of the
// (sub)transaction removes them before anything else runs.
#include "session/own_statement.hpp"

#include "pg/called_settings.hpp"
#include "pg/spi.hpp"
#include "session/running_statements.hpp"
#include "session/session_stack.hpp"

extern "C" {
#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
}

namespace softdelete::session {

namespace {

struct Entry {
    const char *text;
    const char *kept_text;
    OwnTraits traits;
    int nest_level;
    int settings_level;  // of the settings that it runs under; 0 where they are not set
    bool keeps_settings; // that code of users makes while it runs
};

Entry *own_statements = nullptr;
int own_depth = 0;
int own_capacity = 0;

Entry *find(const char *text) noexcept {
    if (own_depth == 0 || text == nullptr) {
        return nullptr;
    }
    Entry *entry = &own_statements[own_depth - 1];
    return text == entry->text || text == entry->kept_text ? entry : nullptr;
}

// The statement of a text is about to run by a plan that was made for that one time, or has run.
void note_kept_text(const char *text, _SPI_plan *plan) {
    if (Entry *entry = find(text); entry != nullptr) {
        entry->kept_text = get_kept_text(plan);
    }
}

} // namespace

int begin_own_statement(const char *text, const char *kept_text, const OwnTraits &traits) {
    if (own_depth == own_capacity) {
        grow(&own_statements, &own_capacity);
    }
    own_statements[own_depth] = {text, kept_text, traits, GetCurrentTransactionNestLevel(), 0, false};
    return own_depth++;
}

void end_own_statements(int mark) noexcept {
    own_depth = Min(own_depth, mark);
}

void forget_own_statements(int nest_level) noexcept {
    while (own_depth > 0 && own_statements[own_depth - 1].nest_level >= nest_level) {
        own_depth--;
    }
}

int number_of_own_statement(const char *text) noexcept {
    return find(text) == nullptr ? 0 : own_depth;
}

const OwnTraits *get_own_statement(int number) noexcept {
    return number == 0 ? nullptr : &own_statements[number - 1].traits;
}

const OwnTraits *find_own_statement(const char *text) noexcept {
    const Entry *entry = find(text);
    return entry == nullptr ? nullptr : &entry->traits;
}

bool has_own_statements() noexcept {
    return own_depth > 0;
}

bool is_called_by_any(bool (*test)(Oid role, Oid relation), Oid relation) {
    for (int i = 0; i < own_depth; i++) {
        Oid role = own_statements[i].traits.called_by;
        if (OidIsValid(role) && test(role, relation)) {
            return true;
        }
    }
    return false;
}

const RemovableRows *find_removable_rows() noexcept {
    for (int i = own_depth - 1; i >= 0; i--) {
        if (own_statements[i].traits.removable != nullptr) {
            return own_statements[i].traits.removable;
        }
    }
    return nullptr;
}

AtOnce fired_at_once() {
    const OwnTraits *own = own_depth == 0 ? nullptr : &own_statements[own_depth - 1].traits;
    if (InSecurityRestrictedOperation() || (own != nullptr && own->fires_at_once)) {
        return AtOnce::all;
    }
    Oid named = own == nullptr ? InvalidOid : own->called_by;
    return pg::runs_others_code(GetUserId(), OidIsValid(named) ? named : pg::CalledSettings::caller())
               ? AtOnce::users
               : AtOnce::none;
}

void set_called_settings(const char *text) {
    Entry *entry = find(text);
    if (entry == nullptr || !entry->traits.runs_as_called || entry->settings_level > 0) {
        return;
    }
    entry->keeps_settings =
        !InSecurityRestrictedOperation() && !pg::runs_others_code(GetUserId(), pg::CalledSettings::caller());
    entry->settings_level = NewGUCNestLevel();
    pg::CalledSettings::apply();
}

void end_called_settings(const char *text) {
    Entry *entry = find(text);
    if (entry != nullptr && entry->settings_level > 0) {
        AtEOXact_GUC(entry->keeps_settings, entry->settings_level);
        entry->settings_level = 0;
    }
}

int begin_called_planning(const char *text) {
    const Entry *entry = find(text);
    if (entry == nullptr || !entry->traits.runs_as_called || InSecurityRestrictedOperation()
        || pg::runs_others_code(GetUserId(), pg::CalledSettings::caller())) {
        return 0;
    }
    int nest_level = NewGUCNestLevel();
    pg::CalledSettings::apply_path();
    return nest_level;
}

void end_called_planning(int nest_level) {
    if (nest_level > 0) {
        AtEOXact_GUC(false, nest_level);
    }
}

const char *get_kept_text(_SPI_plan *plan) {
    return plan == nullptr ? nullptr
                           : static_cast<const CachedPlanSource *>(linitial(SPI_plan_get_plan_sources(plan)))
                                 ->query_string;
}

void install_own_statements() noexcept {
    pg::install_kept_text_hook(note_kept_text);
    pg::install_statement_count([] { return running_statement_depth(); });
}

OwnStatement::OwnStatement(const std::string &text, const OwnTraits &traits, _SPI_plan *plan) {
    mark_ = pg::call([&] { return begin_own_statement(text.c_str(), get_kept_text(plan), traits); });
}

OwnStatement::~OwnStatement() {
    end_own_statements(mark_);
}

} // namespace softdelete::session
