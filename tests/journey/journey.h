#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "controllers/cleanup/cleanup_reconcilers.h"
#include "devcluster/apiserver/api_server.h"
#include "dray/runtime/client.h"
#include "dray/runtime/informer.h"
#include "dray/runtime/real_clock.h"
#include "tests/support/faulty_transport.h"
#include "tests/support/hurried_clock.h"
#include "tests/support/wire.h"

// The life of a claim in one process: API server, webhook, stamper, scheduler, kubelet, mock driver
// and cleanup, each behind a wire of its own that can be cut after any of its writes. Nothing waits
// for time: everything waits for what it watches.
namespace dray::journey {

// One process of the cluster. Killed: its threads end and all that it knew is gone; only the API
// and its directory stay.
class Part {
 public:
  using Run = std::function<Status(const Context&, runtime::Client)>;
  // `way`: how it reaches the API server.
  Part(std::string name, Clock& clock, std::shared_ptr<runtime::Transport> way, Run run);
  ~Part();

  void Start();
  void Stop();
  // Dies after the write that follows `more` others.
  void DieAfterWrite(int more);
  bool running() const { return thread_.joinable(); }
  bool dead() const { return wire_ != nullptr && wire_->dead(); }
  const std::string& name() const { return name_; }
  // How its run has ended, when not by Stop().
  Status ended() const;
  void OnWrite(std::function<void()> callback) { on_write_ = std::move(callback); }

 private:
  const std::string name_;
  Clock& clock_;
  const std::shared_ptr<runtime::Transport> way_;
  const Run run_;
  std::function<void()> on_write_;
  std::shared_ptr<testing::Wire> wire_;
  mutable std::mutex mutex_;
  Status ended_;
  int die_after_ = -1;
  std::jthread thread_;
};

// What may go wrong on every part's way to the API server, all the time. Parts that end by
// themselves are started again.
struct Weather {
  testing::Faults faults;
  uint64_t seed = 0;
  // So often the API server restarts with the data that it had some writes before.
  int restarts = 0;
};

class Journey {
 public:
  explicit Journey(const std::string& directory, std::optional<Weather> weather = {});
  ~Journey();

  // `part` dies after its write number `more` (0: the first), once, and is started again.
  void Kill(const std::string& part, int more);
  bool killed() const { return killed_; }
  // What the weather has done so far.
  int faults() const;
  int restarts() const { return restarts_; }

  // The whole life of a Pod with HAMi's resources and of its claim, to nothing left. "" when all
  // held, else what did not.
  std::string Travel();

 private:
  void RestartWithOlderData();
  void WantAgain();
  std::string Await(const std::string& what, const std::function<bool()>& holds);
  void Notify();
  std::string Verify();
  std::string NothingLeft();
  // As the server has it, not as it was last seen.
  template <class T>
  std::vector<T> All() const;
  std::optional<api::Pod> PodNow() const;

  testing::HurriedClock hurried_{10};  // back-offs take a tenth of their time
  const std::optional<Weather> weather_;
  Clock& clock_;
  const std::string directory_;
  std::stop_source stop_;
  devcluster::ApiServer api_{{.clock = &clock_}};
  runtime::Client client_{api_.InProcess("journey", {"system:masters"})};
  std::vector<std::shared_ptr<testing::FaultyTransport>> ways_;
  std::vector<std::unique_ptr<Part>> parts_;
  Part* webhook_ = nullptr;
  Part* cleanup_ = nullptr;
  bool killed_ = false;
  bool asked_ = false, admitted_ = false;
  bool deleted_ = false;  // the Pod, by its user
  // Restarts: how many writes there have been, what is to happen after how many, and the data.
  std::atomic<int> writes_ = 0;
  std::minstd_rand random_;
  int back_up_at_ = 0, restart_at_ = 0;
  std::function<void()> restore_;
  int restarts_ = 0;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  uint64_t news_ = 0;
  // What wakes the journey up, and what the webhook reads.
  runtime::Informer<api::Pod> pods_{client_};
  runtime::Informer<api::ResourceClaim> claims_{client_};
  runtime::Informer<api::ResourceClaimTemplate> templates_{client_};
  runtime::Informer<api::ResourceSlice> slices_{client_};
  std::vector<std::jthread> watchers_;
};

}  // namespace dray::journey
