#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "cli/inventory.h"
#include "dray/runtime/informer.h"

namespace dray::cli {

// An inventory that the API server keeps up to date: it is watched, never asked again. One thread
// uses it.
class LiveInventory {
 public:
  // Begins to list and watch, on threads that end with this object. `ctx`: their clock, and until
  // when.
  LiveInventory(const Context& ctx, runtime::Client client);
  ~LiveInventory();

  // Waits until everything has been listed and something has changed since the last call, and is
  // never back sooner than `apart` after it: many changes are one piece of news. kCancelled or
  // kTimeout by ctx.
  Status AwaitNews(const Context& ctx, Duration apart);
  Inventory Now() const;

 private:
  template <api::ApiObject T>
  void Watch(const Context& ctx, runtime::Informer<T>& informer);
  bool Listed() const;

  runtime::Informer<api::Node> nodes_;
  runtime::Informer<api::Pod> pods_;
  runtime::Informer<api::ResourceSlice> slices_;
  runtime::Informer<api::DeviceClass> classes_;
  runtime::Informer<api::ResourceClaim> claims_;
  // Only these of their kind; who may not read them is shown the rest all the same.
  runtime::Informer<api::Lease> leases_;
  runtime::Informer<api::Deployment> deployments_;

  std::stop_source stop_;
  std::stop_callback<std::function<void()>> link_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  uint64_t news_ = 0, told_ = 0;
  SteadyTime told_at_ = SteadyTime::min();
  std::vector<std::jthread> threads_;
};

}  // namespace dray::cli
