#include "dray/runtime/metrics.h"

#include <glog/logging.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <mutex>
#include <stdexcept>

namespace dray::runtime {
namespace {

const std::vector<double> kSeconds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                      0.5,   1,      2.5,   5,    10,    30,   60};

// The metrics of one name. prometheus-cpp would build a metric for every look-up of an existing
// one.
template <class T>
struct Series {
  prometheus::Family<T>* family = nullptr;
  std::map<MetricLabels, T*> metrics;
};

}  // namespace

struct Metrics::State {
  std::mutex mutex;  // over everything: a removed gauge must not be in another thread's hands
  prometheus::Registry registry;
  std::map<std::string, Series<prometheus::Counter>> counters;
  std::map<std::string, Series<prometheus::Gauge>> gauges;
  std::map<std::string, Series<prometheus::Histogram>> histograms;

  template <class T, class Build, class... Args>
  T& Find(std::map<std::string, Series<T>>& all, Build build, const std::string& name,
          const std::string& help, const MetricLabels& labels, const Args&... args) {
    Series<T>& series = all[name];
    auto found = series.metrics.find(labels);
    if (found != series.metrics.end()) return *found->second;
    try {
      if (series.family == nullptr)
        series.family = &build().Name(name).Help(help).Register(registry);
      T& metric = series.family->Add(labels, args...);
      series.metrics.emplace(labels, &metric);
      return metric;
    } catch (const std::exception& e) {
      // A bad name, or one name for two kinds of metric: names are constants of this program.
      LOG(FATAL) << "metric " << name << ": " << e.what();
      throw;
    }
  }
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

void Metrics::Counter::Add(double by) const {
  counter_->Increment(by);
}

void Metrics::Histogram::Observe(double value) const {
  histogram_->Observe(value);
}

Metrics::Counter Metrics::CounterOf(const std::string& counter, const std::string& help,
                                    const MetricLabels& labels) {
  std::lock_guard lock(state_->mutex);
  return Counter(state_->Find(state_->counters, prometheus::BuildCounter, counter, help, labels));
}

Metrics::Histogram Metrics::HistogramOf(const std::string& histogram, const std::string& help,
                                        const MetricLabels& labels,
                                        const std::vector<double>& buckets) {
  std::lock_guard lock(state_->mutex);
  return Histogram(state_->Find(state_->histograms, prometheus::BuildHistogram, histogram, help,
                                labels, buckets.empty() ? kSeconds : buckets));
}

void Metrics::Add(const std::string& counter, const std::string& help, const MetricLabels& labels,
                  double by) {
  CounterOf(counter, help, labels).Add(by);
}

void Metrics::Set(const std::string& gauge, const std::string& help, const MetricLabels& labels,
                  double value) {
  std::lock_guard lock(state_->mutex);
  state_->Find(state_->gauges, prometheus::BuildGauge, gauge, help, labels).Set(value);
}

void Metrics::Remove(const std::string& gauge, const MetricLabels& labels) {
  std::lock_guard lock(state_->mutex);
  auto series = state_->gauges.find(gauge);
  if (series == state_->gauges.end()) return;
  auto metric = series->second.metrics.find(labels);
  if (metric == series->second.metrics.end()) return;
  series->second.family->Remove(metric->second);
  series->second.metrics.erase(metric);
}

void Metrics::Observe(const std::string& histogram, const std::string& help,
                      const MetricLabels& labels, double seconds,
                      const std::vector<double>& buckets) {
  HistogramOf(histogram, help, labels, buckets).Observe(seconds);
}

std::string Metrics::Text() const {
  std::lock_guard lock(state_->mutex);
  return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

Metrics& ProcessMetrics() {
  // Never destroyed: threads may still count while the program ends.
  static Metrics& metrics = *new Metrics();
  return metrics;
}

}  // namespace dray::runtime
