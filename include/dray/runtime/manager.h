#pragma once

#include <functional>
#include <memory>
#include <string>

#include "dray/base/context.h"
#include "dray/base/status.h"

namespace dray::runtime {

// The order in which a process comes up; it goes down in the reverse.
enum class Stage {
  kServers,   // HTTP servers: webhook, metrics, health
  kCaches,    // informers
  kEveryone,  // work of every replica, after the caches have synced
  kLeader,    // election and the work of the leader
};

// Starts what makes up a process, stage by stage, and stops it in the reverse order. The first
// runnable that fails stops all.
class Manager {
 public:
  struct Runnable {
    std::string name;
    // Returns when ctx is stopped, or with an error that stops the process.
    std::function<Status(const Context&)> run;
    // Returns when the runnable is ready for the next stage to start (a cache has synced, a port
    // listens). May be null.
    std::function<Status(const Context&)> ready;
  };

  Manager();
  ~Manager();
  void Add(Stage stage, Runnable runnable);  // before Run

  // Blocks until ctx is stopped or something failed; returns the first failure. A runnable that has
  // not stopped after `grace` is named in the log, and waited for: a thread cannot be taken away.
  Status Run(const Context& ctx, Duration grace = std::chrono::seconds(30));

  // True while every stage up to kEveryone is ready (/readyz). Followers are ready too: they serve
  // the webhook.
  bool Ready() const;
  // The names of what start-up still waits for.
  std::string Waiting() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dray::runtime
