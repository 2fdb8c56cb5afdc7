#pragma once

#include "dray/base/context.h"

namespace dray::runtime {

// Gives back to the system what is not in use: freed heap, and the pages of programs and libraries,
// most of which only start-up has run through. The latter are read-only and come back from the page
// cache when they are touched. Some milliseconds, more for a large heap. Any thread.
void ReleaseMemory();

// Releases at once, after 5 s, and from then on when the process has grown by more than a quarter,
// looked at every 30 s. Until the context ends; kOk.
Status KeepMemorySmall(const Context& ctx);

}  // namespace dray::runtime
