#pragma once

#include <string>
#include <string_view>

#include "api/types/reflect.h"

// The walkers behind dray/api/packed.h.
namespace dray::api {

void PackValue(const TypeInfo& type, const void* value, std::string& out);
// Into a value that has just been constructed. Takes what it reads from the front of `in`.
void UnpackValue(const TypeInfo& type, std::string_view& in, void* value);

}  // namespace dray::api
