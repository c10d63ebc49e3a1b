// Room for the entries of a stack that lives as long as the session, and that an abort cuts by nest level.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "utils/memutils.h"
}

namespace softdelete::session {

// Doubles the room, and leaves everything as it was where memory runs out.
template <typename Entry>
void grow(Entry **entries, int *capacity) {
    int wanted = *capacity == 0 ? 16 : *capacity * 2;
    Size size = sizeof(Entry) * static_cast<Size>(wanted);
    *entries = static_cast<Entry *>(*entries == nullptr ? MemoryContextAlloc(TopMemoryContext, size)
                                                        : repalloc(*entries, size));
    *capacity = wanted;
}

} // namespace softdelete::session
