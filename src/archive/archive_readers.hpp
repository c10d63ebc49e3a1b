// What a table's admin_roles have: SELECT on its archive and on the two views that show it and, where the archive has row security,
// the table's policies for SELECT. Called by register(), configure(), repair(), unregister(), check() and when DDL is followed.
#pragma once

#include "archive/archive_work.hpp"

#include <string>
#include <vector>

namespace softdelete::archive {

// The privileges that are missing, and the policies that are missing or differ. In archives without row security, and without
// admin_roles, no policy is wanted. Errors: 0A000 where a policy reads the whole row, which is another one in the archive.
void plan_readers(ArchiveWork &work);

// Gives the privileges that are missing, as where views were made anew.
void give_grants(pg::Spi &spi, Oid relation);

// Takes the privileges from these roles; those on the views where they stay.
enum class Views { stay, go };
void plan_revocation(ArchiveWork &work, const std::vector<std::string> &roles, Views views);

// Takes away the policies that the archive has of us.
void plan_policy_ends(ArchiveWork &work);

// Drops copies of policies that the table has not any more, or not like that: they may need a column that goes.
void drop_stale_policies(pg::Spi &spi, const catalog::Table &table, const ArchiveSettings &settings);

// The policies are as the table has them now. As DDL of ours.
void bring_policies_in_step(pg::Spi &spi, Oid relation);

} // namespace softdelete::archive
