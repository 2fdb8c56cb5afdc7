#pragma once

#include <string>
#include <string_view>

#include "dray/api/types/meta.h"

// Typed objects as short byte strings, for caches of very many of them: a tenth of a claim's JSON,
// a quarter of its struct. Instantiated for every kind with a DRAY_KIND. Pure, any thread. The form
// is that of one build of one program: it is never written anywhere.
namespace dray::api {

template <ApiObject T>
std::string Pack(const T& object);

// `packed` comes from Pack<T>. Equal to what was packed, quantities also in their form.
template <ApiObject T>
T Unpack(std::string_view packed);

}  // namespace dray::api
