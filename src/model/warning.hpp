// What register() and its like warn of, and check() finds: a code that scripts can rely on, and what it is about.
#pragma once

namespace softdelete::model {

// The worst first.
enum class Concern { data, behaviour, speed };

struct Warning {
    const char *code;
    Concern concern;
};

} // namespace softdelete::model

namespace softdelete::model::warning {

inline constexpr Warning clustered_index_lost = {"clustered_index_lost", Concern::speed};
inline constexpr Warning archive_left = {"archive_left", Concern::data};
inline constexpr Warning archive_opened = {"archive_opened", Concern::data};
inline constexpr Warning column_type_lost = {"column_type_lost", Concern::behaviour};
inline constexpr Warning condition_lost = {"condition_lost", Concern::behaviour};
inline constexpr Warning constraint_names_lost = {"constraint_names_lost", Concern::behaviour};
inline constexpr Warning delete_trigger = {"delete_trigger", Concern::behaviour};
inline constexpr Warning endless_times = {"endless_times", Concern::data};
inline constexpr Warning event_triggers_off = {"event_triggers_off", Concern::data};
inline constexpr Warning flag_column = {"flag_column", Concern::behaviour};
inline constexpr Warning flag_column_disagrees = {"flag_column_disagrees", Concern::data};
inline constexpr Warning key_is_kept = {"key_is_kept", Concern::behaviour};
inline constexpr Warning live_children = {"live_children", Concern::data};
inline constexpr Warning lost_links = {"lost_links", Concern::data};
inline constexpr Warning missing_key_index = {"missing_key_index", Concern::speed};
inline constexpr Warning missing_primary_key = {"missing_primary_key", Concern::behaviour};
inline constexpr Warning missing_rules = {"missing_rules", Concern::data};
inline constexpr Warning other_actor_column = {"other_actor_column", Concern::behaviour};
inline constexpr Warning other_time_column = {"other_time_column", Concern::data};
inline constexpr Warning own_tables_published = {"own_tables_published", Concern::data};
inline constexpr Warning policy_hides_deleted = {"policy_hides_deleted", Concern::behaviour};
inline constexpr Warning row_type_functions = {"row_type_functions", Concern::behaviour};
inline constexpr Warning soft_delete_trigger = {"soft_delete_trigger", Concern::data};
inline constexpr Warning strategy_published = {"strategy_published", Concern::data};
inline constexpr Warning unconverted_index = {"unconverted_index", Concern::behaviour};
inline constexpr Warning unregistered_child = {"unregistered_child", Concern::data};
inline constexpr Warning unregistered_referencing = {"unregistered_referencing", Concern::data};
inline constexpr Warning update_trigger = {"update_trigger", Concern::behaviour};
inline constexpr Warning view_past_row_security = {"view_past_row_security", Concern::data};

} // namespace softdelete::model::warning
