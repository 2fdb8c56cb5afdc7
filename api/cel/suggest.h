#pragma once

#include <span>
#include <string>
#include <string_view>

#include "api/cel/registry.h"

// What a mistake probably meant, for the end of its message.
namespace dray::cel {

// " (did you mean 'driver'?)" when one of the candidates is close to the name, else "".
std::string DidYouMean(std::string_view name, std::span<const std::string_view> candidates);
// The same for a function that is called with or without a target.
std::string DidYouMeanFunction(std::string_view name, bool member);
// What a function that exists can be called with: " (it takes (string, string) or (string, string,
// int))"; for operators on quantities and versions, the functions that do what was meant.
std::string WhatFits(const Function& function, bool member,
                     std::span<const StaticType* const> args);

}  // namespace dray::cel
