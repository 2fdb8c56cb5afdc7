#pragma once

#include <string>

#include "dray/runtime/client.h"

namespace dray::runtime {

// This process's entry in a coordinated leader election (KEP 4355, client-go's LeaseCandidate): the
// API server's coordinator pings the candidates of a Lease, picks one of those that answer and
// writes its name into the Lease. Goes with ElectionConfig::coordinated.
class LeaseCandidate {
 public:
  struct Options {
    Client client;
    api::ObjectKey lease;  // whose holder is to be elected; the candidate lives beside it
    std::string name;      // the elector's identity
    std::string version;   // semver: that of the binary, and what it can be taken for
  };
  explicit LeaseCandidate(Options options) : options_(std::move(options)) {}

  // Whether the server takes candidates: coordination.k8s.io/v1beta1, or v1alpha2, which is the
  // same. Before Run().
  Result<bool> Served(const Context& ctx);

  // Keeps the candidate, answers each ping by renewing it and renews it every five minutes anyway
  // (the server forgets those that have been silent for half an hour), until ctx is stopped; then
  // takes it away. ok: stopped.
  Status Run(const Context& ctx);

 private:
  Status Renew(const Context& ctx);
  Status AwaitPing(const Context& ctx);
  void Withdraw(Clock& clock);

  const Options options_;
  std::string served_ = "v1beta1";
};

}  // namespace dray::runtime
