#pragma once

#include "dray/base/clock.h"

namespace dray::runtime {

// The machine's clock. Lives as long as the program.
Clock& RealClock();

}  // namespace dray::runtime
