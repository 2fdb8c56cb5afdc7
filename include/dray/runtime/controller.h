#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dray/runtime/informer.h"
#include "dray/runtime/manager.h"
#include "dray/runtime/work_queue.h"

// How informers, queues and reconcilers are put together into a process.
namespace dray::runtime {

// One controller: a queue and the reconciler that empties it.
struct Controller {
  Controller(Clock& clock, const std::string& name, std::unique_ptr<Reconciler> made)
      : queue(clock, WorkQueueOptions{name}), reconciler(std::move(made)) {}
  WorkQueue queue;
  std::unique_ptr<Reconciler> reconciler;
};

// Runs the workers of all of them until ctx is stopped; returns when all have ended.
void RunControllers(const Context& ctx, const std::vector<std::unique_ptr<Controller>>& controllers,
                    int workers);

// Calls `enqueue` with the object before and the object after each change: the owner that it left
// counts as well as the one that it got. `wanted`: as in InformerHandlers.
template <api::ApiObject T>
void OnChange(Informer<T>& informer, std::function<void(const T&)> enqueue,
              std::function<bool()> wanted = nullptr) {
  InformerHandlers<T> handlers;
  handlers.wanted = std::move(wanted);
  handlers.on_change = [enqueue = std::move(enqueue)](const std::shared_ptr<const T>& before,
                                                      const std::shared_ptr<const T>& after) {
    if (before != nullptr) enqueue(*before);
    if (after != nullptr) enqueue(*after);
  };
  informer.AddHandler(std::move(handlers));
}

// The informer as a runnable of Stage::kCaches: later stages wait until it has synced. `informer`
// outlives the manager's Run.
template <api::ApiObject T>
void AddCache(Manager& manager, Informer<T>& informer) {
  manager.Add(Stage::kCaches,
              {std::string(api::KindOf<T>::value.resource),
               [&informer](const Context& ctx) { return informer.Run(ctx); },
               [&informer](const Context& ctx) { return informer.WaitForSync(ctx); }});
}

// "namespace/name" of an index value back into a key.
inline api::ObjectKey KeyFromText(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return {"", std::string(text)};
  return {std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
}

}  // namespace dray::runtime
