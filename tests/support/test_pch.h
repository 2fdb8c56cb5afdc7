// Precompiled for every test binary.
#include "cmake/std_pch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
