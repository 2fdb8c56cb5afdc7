#include "dray/runtime/controller.h"

#include <thread>

namespace dray::runtime {

void RunControllers(const Context& ctx, const std::vector<std::unique_ptr<Controller>>& controllers,
                    int workers) {
  std::vector<std::jthread> threads;
  for (const auto& controller : controllers)
    threads.emplace_back([&ctx, workers, one = controller.get()] {
      RunWorkers(ctx, one->queue, *one->reconciler, workers);
    });
}

}  // namespace dray::runtime
