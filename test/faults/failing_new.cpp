// For tests: an operator new that another module can make fail. Preloaded (LD_PRELOAD) into the server, so that all C++ in it
// takes this one. The module that counts, faults.c, sets the function that is asked.
#include <cstdlib>
#include <new>

extern "C" {
bool (*fails_next_new)() = nullptr;
}

void *operator new(std::size_t size) {
    void *memory = fails_next_new != nullptr && fails_next_new() ? nullptr : std::malloc(size == 0 ? 1 : size);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    return memory;
}

void operator delete(void *memory) noexcept {
    std::free(memory);
}

void operator delete(void *memory, std::size_t) noexcept {
    std::free(memory);
}
