#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "dray/base/clock.h"
#include "dray/base/guarded.h"
#include "dray/runtime/metrics.h"

namespace dray::controllers {

// What the webhook counts: dray_admissions_total{outcome, reason, vendor} and
// dray_admission_duration_seconds. Any thread.
class AdmissionMetrics {
 public:
  explicit AdmissionMetrics(runtime::Metrics& metrics);

  // `vendor`: bounded, whatever users write; `reason` empty where there is none.
  void Count(std::string_view outcome, std::string_view reason = "",
             std::string_view vendor = "none", double by = 1);
  void Took(Duration time) { seconds_.Observe(std::chrono::duration<double>(time).count()); }

 private:
  runtime::Metrics& metrics_;
  const runtime::Metrics::Histogram seconds_;
  // By "outcome/reason/vendor": labels are not put together anew for every review.
  Guarded<std::map<std::string, runtime::Metrics::Counter, std::less<>>> counters_;
};

}  // namespace dray::controllers
