// The part of registration that makes the row-security policies of tables with visibility rls. Policies apply to the
// table that a query names, so that partitions and children get theirs too. What the policies say stands in
// registration/policy_definitions.
#include "catalog/policy_catalog.hpp"
#include "catalog/quoting.hpp"
#include "model/policy_names.hpp"
#include "registration/plan_parts.hpp"
#include "registration/policy_definitions.hpp"
#include "registry/secured_tables.hpp"
#include "sqltext/table_statements.hpp"

namespace softdelete::registration {

namespace {

using catalog::Member;
using catalog::Policy;
using catalog::RowSecurity;
using model::Action;

constexpr const char *row_security_object = "row security";

[[noreturn]] void refuse_dormant(const Member &member) {
    pg::raise(
        {ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
         "table \"" + member.name + "\" has row-security policies that are not in force",
         "Visibility rls enables row security, which would put them in force.",
         "Run " + sqltext::enable_row_security(member.qualified).text() + " first, or drop the policies.",
         member.oid});
}

[[noreturn]] void refuse_name(const Member &member, const Policy &policy) {
    pg::raise({ERRCODE_DUPLICATE_OBJECT,
               "policy \"" + policy.name + "\" for table \"" + member.name + "\" already exists",
               "softdelete makes a policy of this name.", "Rename the policy.", member.oid});
}

// One member of a table with visibility rls.
class MemberPolicies {
public:
    MemberPolicies(TableWork &work, const Member &member)
        : work_(work)
        , member_(member)
        , security_(catalog::read_row_security(work.spi, member.oid, work.settings().deleted_at))
        , recorded_(registry::find_secured_table(work.spi, member.oid)) {}

    void secure() {
        if (!recorded_ && !security_.is_enabled && security_.has_users_policy()) {
            refuse_dormant(member_);
        }
        // A default of ours that is there already says that the steps of plan() were run by hand.
        bool is_wished =
            recorded_ ? *recorded_ : security_.is_enabled && security_.find(model::default_policy) == nullptr;
        bool wants_default = !is_wished && !security_.has_users_permissive_policy();
        ensure(make_live_policy(work_.settings().deleted_at, member_));
        if (wants_default) {
            ensure(make_default_policy());
        } else if (security_.find(model::default_policy) != nullptr) {
            drop(model::default_policy);
        }
        if (!security_.is_enabled) {
            work_.add(Action::alter, member_.oid, row_security_object,
                      sqltext::enable_row_security(member_.qualified));
        }
        if (recorded_ != is_wished) {
            work_.secured.emplace_back(member_.oid, is_wished);
        }
    }

    void release() {
        if (!recorded_) {
            return;
        }
        if (security_.find(model::live_policy) != nullptr) {
            drop(model::live_policy);
        }
        bool has_default = security_.find(model::default_policy) != nullptr;
        if (has_default && security_.has_users_policy()) {
            // The user's policies restrict and permit nothing: without this one nobody would see a row.
            work_.keep(member_.oid, get_object(model::default_policy),
                       "the table's own policies only restrict; without this one they would hide every row");
        } else if (has_default) {
            drop(model::default_policy);
        }
        if (security_.is_enabled && !*recorded_ && !security_.has_users_policy()) {
            work_.add(Action::alter, member_.oid, row_security_object,
                      sqltext::disable_row_security(member_.qualified));
        }
        work_.released.push_back(member_.oid);
    }

private:
    static std::string get_object(const std::string &policy) { return "policy " + policy; }

    void ensure(const PolicyDefinition &wanted) {
        const Policy *existing = security_.find(wanted.name);
        bool is_right = existing != nullptr && wanted.matches(*existing);
        if (existing != nullptr && !is_right && !recorded_) {
            refuse_name(member_, *existing);
        }
        if (is_right) {
            work_.adopt(member_.oid, get_object(wanted.name));
            return;
        }
        Action action = existing == nullptr ? Action::create : Action::replace;
        if (existing != nullptr) {
            work_.add(action, member_.oid, get_object(wanted.name),
                      sqltext::drop_policy(member_.qualified, sqltext::Identifier(wanted.name)));
        }
        work_.add(action, member_.oid, get_object(wanted.name),
                  sqltext::create_policy(member_.qualified, sqltext::Identifier(wanted.name),
                                         wanted.is_permissive, wanted.condition));
    }

    void drop(const char *policy) {
        work_.add(Action::drop, member_.oid, get_object(policy),
                  sqltext::drop_policy(member_.qualified, sqltext::Identifier(policy)));
    }

    TableWork &work_;
    const Member &member_;
    const RowSecurity security_;
    const std::optional<bool> recorded_;
};

} // namespace

void plan_policies(TableWork &work) {
    if (work.settings().visibility != model::Visibility::rls) {
        plan_policy_drops(work);
        return;
    }
    for (const Member &member : work.table.members) {
        MemberPolicies(work, member).secure();
    }
}

void plan_policy_drops(TableWork &work) {
    for (const Member &member : work.table.members) {
        MemberPolicies(work, member).release();
    }
}

void record_policies(const TableWork &work) {
    for (const auto &[relation, is_wished] : work.secured) {
        registry::put_secured_table(work.spi, relation, is_wished);
    }
    for (Oid relation : work.released) {
        registry::delete_secured_table(work.spi, relation);
    }
}

} // namespace softdelete::registration
