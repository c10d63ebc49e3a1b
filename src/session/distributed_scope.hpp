// While it lives, commands of ours on tables of Citus follow each other on the nodes, as those on several tables have to, and
// Citus takes triggers. Used by registration/, and by the end of the extension.
#pragma once

#include "pg/scopes.hpp"

namespace softdelete::session {

class DistributedScope {
public:
    explicit DistributedScope(bool is_distributed) {
        if (is_distributed) {
            settings_.set("citus.enable_unsafe_triggers", "on");
            // Citus refuses commands after it has read a shard of this node without a connection.
            settings_.set("citus.enable_local_execution", "off");
            settings_.set("citus.multi_shard_modify_mode", "sequential");
        }
    }

private:
    pg::SettingScope settings_;
};

} // namespace softdelete::session
