#pragma once

#include "api/cel/value.h"
#include "dray/base/json.h"

namespace dray::cel {

// A document as expressions see it: objects are maps that look at their members when they are asked
// for, numbers that were written as integers are int (double beyond its range), all others double.
// Refers to the document, which must outlive the value; the rest is in the current pool.
Value JsonValue(const Json& document);

}  // namespace dray::cel
