// Decides, with strategy => 'auto', which tables of a registration get an archive, and leaves the work to
// archive/register_archive and registration/register_table. Called by api/registration.
#include "archive/register_by_strategy.hpp"

#include "archive/choose_strategy.hpp"
#include "archive/plan_change.hpp"
#include "archive/register_archive.hpp"
#include "archive/warn_of_change.hpp"
#include "catalog/table_info.hpp"
#include "registration/lock_table.hpp"
#include "registry/registry.hpp"
#include "session/extension_functions.hpp"

#include <algorithm>

namespace softdelete::archive {

namespace {

using registration::RegisterRequest;

// Of which tables, and what the steps say of that.
struct Chosen {
    bool named_has_archive = false;
    std::vector<Oid> archived; // other tables that get one, referenced ones first
    std::vector<model::Step> notes;
};

void note(Chosen &chosen, Oid relation, const Choice &choice) {
    if (!choice.reason.empty()) {
        chosen.notes.push_back({relation,
                                choice.is_archive ? "strategy archive" : "strategy flag",
                                choice.is_archive ? model::Action::create : model::Action::keep,
                                false,
                                {},
                                choice.reason});
    }
}

// Walks as register_table() does, and locks the tables in the same order, which is that of deletions.
class Chooser {
public:
    Chooser(pg::Spi &spi, const RegisterRequest &request, bool is_plan)
        : spi_(spi)
        , request_(request)
        , lock_(is_plan ? pg::Lock::access_share : pg::Lock::access_exclusive) {}

    Chosen run() {
        const catalog::Table named =
            registration::lock_table(spi_, request_.relation, lock_, registration::Distributed::taken);
        registration::check_not_registered(spi_, named);
        const Choice choice = choose_strategy(spi_, request_, named);
        note(chosen_, named.oid, choice);
        chosen_.named_has_archive = choice.is_archive;
        std::vector<Oid> seen = {named.oid};
        for (std::size_t i = 0; !choice.is_archive && i < seen.size(); i++) {
            for (Oid child : registration::find_tables_to_register(spi_, request_, seen[i])) {
                if (std::find(seen.begin(), seen.end(), child) == seen.end()) {
                    seen.push_back(child);
                    choose_for(child);
                }
            }
        }
        follow_references();
        for (const Candidate &candidate : candidates_) {
            note(chosen_, candidate.table, candidate.choice);
        }
        add_archived();
        return std::move(chosen_);
    }

private:
    struct Candidate {
        Oid table;
        std::vector<Oid> parents; // other tables that it references
        Choice choice;
        bool is_added = false;
    };

    void choose_for(Oid child) {
        if (registry::find_registration(spi_, child) || catalog::get_table(spi_, child).is_archived()) {
            return;
        }
        const catalog::Table table =
            registration::lock_table(spi_, child, lock_, registration::Distributed::taken);
        Candidate candidate = {child, {}, choose_strategy(spi_, request_, table)};
        for (const catalog::OwnForeignKey &key : catalog::find_own_foreign_keys(spi_, child)) {
            if (key.parent != child) {
                candidate.parents.push_back(key.parent);
            }
        }
        candidates_.push_back(std::move(candidate));
    }

    Candidate *find_candidate(Oid relation) {
        auto found = std::find_if(candidates_.begin(), candidates_.end(),
                                  [&](const Candidate &candidate) { return candidate.table == relation; });
        return found == candidates_.end() ? nullptr : &*found;
    }

    bool has_archive_then(Oid relation) {
        const Candidate *candidate = find_candidate(relation);
        return candidate != nullptr ? candidate->choice.is_archive
                                    : catalog::get_table(spi_, relation).is_archived();
    }

    // A table whose deleted rows are marked cannot reference one with an archive. In whichever order the tables come.
    void follow_references() {
        for (bool has_changed = true; has_changed;) {
            has_changed = false;
            for (Candidate &candidate : candidates_) {
                if (!candidate.choice.is_archive
                    && std::any_of(candidate.parents.begin(), candidate.parents.end(),
                                   [&](Oid parent) { return has_archive_then(parent); })) {
                    candidate.choice = {true, "references a table with an archive"};
                    has_changed = true;
                }
            }
        }
    }

    bool waits_for_another(const Candidate &candidate) {
        return std::any_of(candidate.parents.begin(), candidate.parents.end(), [&](Oid parent) {
            const Candidate *other = find_candidate(parent);
            return other != nullptr && other->choice.is_archive && !other->is_added;
        });
    }

    // Referenced ones first; of a circle, the first that was found.
    void add_archived() {
        auto waits = [](const Candidate &candidate) {
            return candidate.choice.is_archive && !candidate.is_added;
        };
        auto next = [&] {
            auto free = std::find_if(candidates_.begin(), candidates_.end(), [&](const Candidate &candidate) {
                return waits(candidate) && !waits_for_another(candidate);
            });
            return free != candidates_.end() ? free
                                             : std::find_if(candidates_.begin(), candidates_.end(), waits);
        };
        for (auto candidate = next(); candidate != candidates_.end(); candidate = next()) {
            candidate->is_added = true;
            chosen_.archived.push_back(candidate->table);
        }
    }

    pg::Spi &spi_;
    const RegisterRequest &request_;
    const pg::Lock lock_;
    Chosen chosen_;
    std::vector<Candidate> candidates_;
};

// Of one table with what was asked for it: names of views are those of the named one.
RegisterRequest make_archive_request(const RegisterRequest &request, Oid relation) {
    RegisterRequest own = request;
    own.relation = relation;
    own.strategy = "archive";
    own.cascade = false;
    own.all_referencing = false;
    own.indexes = std::nullopt;
    if (relation != request.relation) {
        own.active_view = own.deleted_view = own.all_view = std::nullopt;
        own.on_expiry = "purge";
    }
    return own;
}

void append(std::vector<model::Step> &steps, std::vector<model::Step> more) {
    steps.insert(steps.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

std::vector<model::Step> warn_of_left(const RegisterRequest &request) {
    pg::Spi spi;
    return warn_of_left_archive(spi, request.relation);
}

std::vector<model::Step> register_marked(const RegisterRequest &request, bool is_plan) {
    std::vector<model::Step> steps = warn_of_left(request);
    append(steps, is_plan ? registration::plan_registration(request) : registration::register_table(request));
    return steps;
}

std::vector<model::Step> register_chosen(const RegisterRequest &request, bool is_plan) {
    auto archive_table = [&](Oid relation) {
        const RegisterRequest own = make_archive_request(request, relation);
        return is_plan ? plan_archive(own) : register_archive(own);
    };
    Chosen chosen;
    {
        pg::Spi spi;
        pg::call([] { session::check_version(); });
        registration::check_flag_options(request);
        chosen = Chooser(spi, request, is_plan).run();
    }
    std::vector<model::Step> steps;
    std::vector<model::Step> archived;
    for (model::Step &note : chosen.notes) {
        const Oid relation = note.relation;
        const bool is_other =
            std::find(chosen.archived.begin(), chosen.archived.end(), relation) != chosen.archived.end();
        std::vector<model::Step> &place = is_other ? archived : steps;
        place.push_back(std::move(note));
        if (is_other || chosen.named_has_archive) {
            append(place, archive_table(relation));
        }
    }
    if (!chosen.named_has_archive) {
        RegisterRequest others = request;
        others.archived = chosen.archived;
        append(steps, register_marked(others, is_plan));
    }
    append(steps, std::move(archived));
    return model::arrange(std::move(steps));
}

} // namespace

std::vector<model::Step> register_by_strategy(const RegisterRequest &request) {
    if (request.strategy == "archive") {
        (void)warn_of_left(request); // takes on what it would warn of, but not half of it
        return register_archive(request);
    }
    return request.strategy == "auto" ? register_chosen(request, false) : register_marked(request, false);
}

std::vector<model::Step> plan_by_strategy(const RegisterRequest &request) {
    if (is_change_of_strategy(request)) {
        return plan_change(request);
    }
    if (request.strategy == "archive") {
        (void)warn_of_left(request);
        return plan_archive(request);
    }
    return request.strategy == "auto" ? register_chosen(request, true) : register_marked(request, true);
}

} // namespace softdelete::archive
