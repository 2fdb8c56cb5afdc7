#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dray::cel {

// How many seconds the zone is ahead of UTC at an instant (seconds since 1970). Zones are
// "+02:00", "-7:30", and names of the IANA data base for which the present rules are known here:
// this library reads no files, so it has the zones that people name most, from the year on from
// which their rules hold. Empty on success, otherwise why there is no answer.
std::string ZoneOffset(std::string_view zone, int64_t instant, int64_t& seconds);

}  // namespace dray::cel
