#pragma once

#include <string>

#include "dray/base/clock.h"
#include "dray/base/status.h"

namespace dray::devcluster {

// The certificates of one cluster, made anew at each start, as files below `dir`/pki.
struct Credentials {
  std::string ca_file, server_cert_file, server_key_file;
  std::string ca_pem, admin_cert_pem,
      admin_key_pem;  // administrator: CN kubernetes-admin, O system:masters

  static Result<Credentials> Make(const std::string& dir, const std::string& address, WallTime now);
};

}  // namespace dray::devcluster
