#include "controllers/webhook/admission_metrics.h"

#include <algorithm>

namespace dray::controllers {

AdmissionMetrics::AdmissionMetrics(runtime::Metrics& metrics)
    : metrics_(metrics),
      seconds_(metrics.HistogramOf("dray_admission_duration_seconds",
                                   "Time to answer one admission review.", {},
                                   {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                    0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10})) {
  for (const char* outcome : {"converted", "unchanged", "refused", "failed", "malformed", "valid"})
    Count(outcome, "", "none", 0);
}

void AdmissionMetrics::Count(std::string_view outcome, std::string_view reason,
                             std::string_view vendor, double by) {
  char text[128];
  size_t size = 0;
  for (std::string_view part : {outcome, reason, vendor}) {
    size += part.copy(text + size, std::min<size_t>(part.size(), 40));
    text[size++] = '/';
  }
  const std::string_view key(text, size);
  const runtime::Metrics::Counter counter = counters_.With([&](auto& known) {
    auto found = known.find(key);
    if (found == known.end())
      found =
          known
              .emplace(key, metrics_.CounterOf(
                                "dray_admissions_total",
                                "Reviews answered by the webhook, by outcome, reason and vendor.",
                                {{"outcome", std::string(outcome)},
                                 {"reason", std::string(reason)},
                                 {"vendor", std::string(vendor)}}))
              .first;
    return found->second;
  });
  counter.Add(by);
}

}  // namespace dray::controllers
