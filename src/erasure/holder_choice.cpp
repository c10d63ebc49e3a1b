// A time from an archive alone is that of the begin of a transaction; one from a history is when the change was recorded, and what
// belongs to one transaction belongs together, in whatever order it was recorded. Called by erasure/key_holders.
#include "erasure/holder_choice.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace softdelete::erasure {

namespace {

using history::Change;

enum class Presence { there, gone, doubtful };

// Was an archived row, of which no history tells, there when the reference ended? The times of both are begins of transactions, or
// one's is: where deletions have begun in another order than their transactions, another row may have had its key. So it may within
// a deletion, but only to a row that came after that one had gone, in the same transaction.
Presence find_presence(const Holder &holder, const Reference &reference) {
    const Filing &its = holder.filing;
    const Filing &filing = reference.filing;
    const TimestampTz until = holder.held.until.at;
    const TimestampTz at = reference.is_exact ? reference.end.transaction_at : reference.end.at;
    const bool is_same = filing.deletion != 0 && its.deletion == filing.deletion;
    if (is_same) {
        return filing.may_be_new ? Presence::doubtful : Presence::there;
    }
    if (at == until) {
        return its.deletion < filing.deletion ? Presence::doubtful : Presence::there;
    }
    if (its.deletion != 0 && filing.deletion != 0 && (until < at) != (its.deletion < filing.deletion)) {
        return Presence::doubtful;
    }
    return at <= until ? Presence::there : Presence::gone;
}

bool is_filed(const Holder &holder) {
    return !holder.is_recorded && holder.held.until.at != DT_NOEND;
}

bool covers(const Holder &holder, const Reference &reference) {
    if (is_filed(holder)) {
        return find_presence(holder, reference) != Presence::gone;
    }
    const TimestampTz from = reference.is_exact ? holder.held.from.at : holder.held.from.transaction_at;
    return from <= reference.end.at && reference.end.at <= holder.held.until.at;
}

bool is_of_transaction(const Holder &holder, const Reference &reference) {
    return reference.is_exact && holder.is_recorded
           && (holder.held.from.transaction == reference.end.transaction
               || holder.held.until.transaction == reference.end.transaction);
}

template <typename Condition>
Holders select(const Holders &holders, Condition condition) {
    Holders selected;
    std::copy_if(holders.begin(), holders.end(), std::back_inserter(selected), condition);
    return selected;
}

// Of an archived row whose history has the end, that says more.
Holders drop_recorded(const Holders &holders) {
    Holders rest;
    for (const Holder &holder : holders) {
        if (!is_filed(holder)) {
            rest.push_back(holder);
        }
    }
    for (const Holder &archived : holders) {
        if (!is_filed(archived)) {
            continue;
        }
        const auto same = std::find_if(rest.begin(), rest.end(), [&](const Holder &holder) {
            return holder.held.is_end
                   && (holder.held.until.transaction_at == archived.held.until.at
                       || (holder.filing.deletion != 0
                           && holder.filing.deletion == archived.filing.deletion));
        });
        if (same == rest.end()) {
            rest.push_back(archived);
        } else {
            same->is_known = same->is_known || archived.is_known;
        }
    }
    return rest;
}

// As one what a row had, or several of the same belonging had, without a break: most changes of a row leave its key.
Holders unite_stretches(Holders holders) {
    std::sort(holders.begin(), holders.end(), [](const Holder &one, const Holder &other) {
        return std::pair(one.held.from.at, one.held.until.at)
               < std::pair(other.held.from.at, other.held.until.at);
    });
    Holders united;
    for (const Holder &next : holders) {
        Holder *last = united.empty() ? nullptr : &united.back();
        if (last == nullptr || !last->is_recorded || !next.is_recorded || last->held.is_end
            || last->is_known != next.is_known || last->held.until.at < next.held.from.at) {
            united.push_back(next);
        } else if (last->held.until.at <= next.held.until.at) {
            const Change from = last->held.from;
            *last = next;
            last->held.from = from;
        }
    }
    return united;
}

bool belong_alike(const Holders &holders) {
    return std::all_of(holders.begin(), holders.end(),
                       [&](const Holder &holder) { return holder.is_known == holders.front().is_known; });
}

// Of these, the one that left first. Nothing where it may have been another one.
std::optional<bool> choose_first(const Holders &holders, const Reference &reference) {
    if (holders.empty()) {
        return std::nullopt;
    }
    const Holder &first =
        *std::min_element(holders.begin(), holders.end(), [](const Holder &one, const Holder &other) {
            return one.held.until.at < other.held.until.at;
        });
    Holders possible = select(holders, [&](const Holder &holder) {
        return is_filed(holder) ? find_presence(holder, reference) == Presence::doubtful
                                : first.is_recorded && holder.is_recorded && !reference.is_exact;
    });
    possible.push_back(first);
    if (is_filed(first) && find_presence(first, reference) == Presence::doubtful) { // else the next one
        possible.insert(possible.end(), holders.begin(), holders.end());
    }
    return belong_alike(possible) ? std::optional<bool>(first.is_known) : std::nullopt;
}

} // namespace

Holders unite(const Holders &holders) {
    return unite_stretches(drop_recorded(holders));
}

std::optional<bool> is_of_known(const Holders &all, const Reference &reference) {
    const auto is_covering = [&](const Holder &holder) { return covers(holder, reference); };
    if (reference.is_exact) {
        const Holders told =
            select(all, [&](const Holder &holder) { return holder.is_recorded && is_covering(holder); });
        if (!told.empty()) {
            return choose_first(told, reference);
        }
    }
    const auto is_same = [&](const Holder &holder) {
        return reference.filing.deletion != 0 && holder.filing.deletion == reference.filing.deletion;
    };
    const Holders same = select(all, is_same);
    const bool is_sure = std::all_of(all.begin(), all.end(), [&](const Holder &holder) {
        // Who came in that transaction may have come before.
        return is_same(holder) ? !is_filed(holder) || find_presence(holder, reference) == Presence::there
                               : !holder.is_recorded || reference.is_exact
                                     || holder.held.from.transaction_at != reference.end.at;
    });
    if (!same.empty() && is_sure && belong_alike(same)) {
        return same.front().is_known;
    }
    const Holders covering = select(all, is_covering);
    return choose_first(covering.empty() ? select(
                            all, [&](const Holder &holder) { return is_of_transaction(holder, reference); })
                                         : covering,
                        reference);
}

} // namespace softdelete::erasure
