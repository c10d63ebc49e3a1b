// Keeps row security of tables with visibility rls in step with policies that users create and drop. Event triggers
// call it. registry/secured_tables records what the owner wishes; everything else follows from the policies that are
// there.
#include "ddl/follow_policies.hpp"
#include "registry/secured_tables.hpp"
#include "sqltext/format.hpp"

#include "catalog/policy_catalog.hpp"
#include "ddl/parse_tree.hpp"
#include "model/policy_names.hpp"
#include "pg/scopes.hpp"
#include "registration/plan_parts.hpp"
#include "registration/run_steps.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "nodes/parsenodes.h"
#include "rewrite/rowsecurity.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
}

#include <cstring>

namespace softdelete::ddl {

namespace {

bool is_own_name(const char *policy) {
    return strcmp(policy, model::live_policy) == 0 || strcmp(policy, model::default_policy) == 0;
}

// Is it registered with visibility rls?
bool is_secured(Oid relation) {
    session::RegisteredTable table;
    return OidIsValid(relation) && session::find_registered_table(relation, &table)
           && table.visibility == session::TableVisibility::rls;
}

void refuse_reserved(Oid table, const char *policy) {
    if (is_own_name(policy) && is_secured(table)) {
        ereport(ERROR,
                (errcode(ERRCODE_RESERVED_NAME), errmsg("policy name \"%s\" is reserved", policy),
                 errdetail("softdelete makes a policy of this name on table \"%s\".", get_rel_name(table)),
                 errhint("Choose another name.")));
    }
}

void refuse_alteration(Oid table, const char *policy) {
    if (is_own_name(policy) && is_secured(table)) {
        ereport(ERROR,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                 errmsg("cannot alter policy \"%s\" of registered table \"%s\"", policy, get_rel_name(table)),
                 errhint("Use softdelete.configure() to change visibility or admin_roles.")));
    }
}

bool has_users_policy(Oid relation_id) {
    Relation relation = RelationIdGetRelation(relation_id);
    bool found = false;
    ListCell *cell;
    // Nothing is looked up here.
    foreach (cell, relation->rd_rsdesc == nullptr ? NIL : relation->rd_rsdesc->policies) {
        found = found || !is_own_name(static_cast<const RowSecurityPolicy *>(lfirst(cell))->policy_name);
    }
    RelationClose(relation);
    return found;
}

void refuse_disabling(const AlterTableStmt *alter, Oid relation) {
    ListCell *cell;
    foreach (cell, alter->cmds) {
        if (lfirst_node(AlterTableCmd, cell)->subtype != AT_DisableRowSecurity) {
            continue;
        }
        if (is_secured(relation) && has_users_policy(relation)) {
            ereport(ERROR,
                    (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                     errmsg("cannot disable row security of registered table \"%s\"", get_rel_name(relation)),
                     errdetail("Its visibility is rls, which row security enforces."),
                     errhint("Drop the policies that are to go out of force, or run SELECT * FROM "
                             "softdelete.configure(%s, visibility => 'filter') first.",
                             quote_literal_cstr(quote_qualified_identifier(
                                 get_namespace_name(get_rel_namespace(relation)), get_rel_name(relation))))));
        }
    }
}

// The tables with visibility rls that the relation belongs to: one, or none.
std::vector<Oid> find_roots(pg::Spi &spi, Oid relation) {
    std::vector<Oid> roots;
    pg::UserScope owner(pg::get_extension_owner());
    for (const pg::Row &row : spi.query_kept(
             "WITH RECURSIVE line (relation) AS (SELECT $1::pg_catalog.oid UNION SELECT h.inhparent FROM "
             "pg_catalog.pg_inherits h JOIN line l ON h.inhrelid = l.relation) "
             "SELECT r.relation::pg_catalog.oid FROM line l JOIN softdelete_internal.registration r "
             "ON r.relation = l.relation WHERE r.visibility = 'rls'",
             {relation})) {
        roots.push_back(row.oid(0));
    }
    return roots;
}

void run(pg::Spi &spi, const registration::TableWork &work) {
    registration::run_steps(spi, work.steps);
    registration::record_policies(work);
}

void bring_policies_in_step(pg::Spi &spi, Oid relation) {
    for (Oid root : find_roots(spi, relation)) {
        const catalog::Table table = catalog::get_table_definition(spi, root);
        registration::TableWork work =
            registration::begin_work(spi, table, *registry::find_registration(spi, root), false);
        {
            pg::UserScope owner(table.owner);
            registration::plan_policies(work);
        }
        run(spi, work);
    }
}

// Takes our policies from tables, but not from their partitions and children.
void release(pg::Spi &spi, const std::vector<Oid> &relations) {
    for (Oid relation : relations) {
        catalog::Table table = catalog::get_table_definition(spi, relation);
        table.members.erase(table.members.begin() + 1, table.members.end());
        registration::TableWork work = registration::begin_work(spi, table, {}, false);
        registration::plan_policy_drops(work);
        run(spi, work);
    }
}

// Detached partitions and disinherited children, with what is below them.
void release_former_members(pg::Spi &spi) {
    std::vector<Oid> former;
    for (Oid relation : registry::find_secured_tables(spi)) {
        if (find_roots(spi, relation).empty()) {
            former.push_back(relation);
        }
    }
    release(spi, former);
}

enum class PolicyChange { none, policies, wish_on, wish_off, fewer_members };

PolicyChange get_policy_change(const AlterTableStmt *alter) {
    PolicyChange change = PolicyChange::none;
    ListCell *cell;
    foreach (cell, alter->cmds) {
        switch (lfirst_node(AlterTableCmd, cell)->subtype) {
        case AT_EnableRowSecurity:
            change = PolicyChange::wish_on;
            break;
        case AT_DisableRowSecurity:
            change = PolicyChange::wish_off;
            break;
        case AT_AttachPartition:
        case AT_AddInherit:
            change = PolicyChange::policies;
            break;
        case AT_DetachPartition:
        case AT_DropInherit:
            change = PolicyChange::fewer_members;
            break;
        default:
            break;
        }
    }
    return change;
}

PolicyChange get_policy_change(Node *node) {
    if (IsA(node, CreatePolicyStmt)) {
        return PolicyChange::policies;
    }
    if (IsA(node, CreateStmt)) {
        return castNode(CreateStmt, node)->inhRelations == NIL ? PolicyChange::none : PolicyChange::policies;
    }
    return IsA(node, AlterTableStmt) ? get_policy_change(castNode(AlterTableStmt, node)) : PolicyChange::none;
}

} // namespace

void refuse_policy_change(const DdlCommand &command) {
    const Node *statement = command.node;
    if (IsA(statement, CreatePolicyStmt)) {
        const CreatePolicyStmt *create = castNode(CreatePolicyStmt, const_cast<Node *>(statement));
        refuse_reserved(command.relation, create->policy_name);
    } else if (IsA(statement, AlterPolicyStmt)) {
        const AlterPolicyStmt *alter = castNode(AlterPolicyStmt, const_cast<Node *>(statement));
        refuse_alteration(command.relation, alter->policy_name);
    } else if (IsA(statement, RenameStmt)) {
        const RenameStmt *rename = castNode(RenameStmt, const_cast<Node *>(statement));
        if (rename->renameType == OBJECT_POLICY) {
            refuse_alteration(command.relation, rename->subname);
            refuse_reserved(command.relation, rename->newname);
        }
    } else if (IsA(statement, AlterTableStmt)) {
        refuse_disabling(castNode(AlterTableStmt, const_cast<Node *>(statement)), command.relation);
    }
}

void follow_policies(const DdlCommand &command) {
    PolicyChange change = get_policy_change(command.node);
    Oid relation = command.relation;
    if (change == PolicyChange::none || !OidIsValid(relation)) {
        return;
    }
    pg::Spi spi;
    if (change == PolicyChange::fewer_members) {
        release_former_members(spi);
        return;
    }
    bool is_wish = change == PolicyChange::wish_on || change == PolicyChange::wish_off;
    if (is_wish && registry::find_secured_table(spi, relation)) {
        registry::put_secured_table(spi, relation, change == PolicyChange::wish_on);
    }
    bring_policies_in_step(spi, relation);
}

void follow_dropped_policies() {
    pg::Spi spi;
    std::vector<pg::Row> dropped;
    {
        pg::UserScope owner(pg::get_extension_owner());
        dropped = spi.query_kept(
            "SELECT d.address_names[3], c.relname, c.oid FROM pg_catalog.pg_event_trigger_dropped_objects() d"
            " JOIN pg_catalog.pg_namespace n ON n.nspname = d.address_names[1]"
            " JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = d.address_names[2]"
            " JOIN softdelete_internal.secured_table s ON s.relation = c.oid WHERE d.object_type = 'policy'");
    }
    for (const pg::Row &policy : dropped) {
        if (is_own_name(policy.text(0).c_str())) {
            pg::raise({.sqlstate = ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
                       .message = sqltext::format("cannot drop policy \"%1%\" of registered table \"%2%\"",
                                                  policy.text(0), policy.text(1)),
                       .hint = "Use softdelete.configure() to change the visibility. The default policy goes "
                               "by itself when you create a permissive policy or enable row security."});
        }
    }
    for (const pg::Row &policy : dropped) {
        bring_policies_in_step(spi, policy.oid(2));
    }
}

void leave_policies() {
    pg::Spi spi;
    release(spi, registry::find_secured_tables(spi));
}

} // namespace softdelete::ddl
