#pragma once

// LOG(INFO), VLOG(1), CHECK: glog. Programs log to stderr; CHECK is only for what the program
// itself guarantees.
#include <glog/logging.h>
