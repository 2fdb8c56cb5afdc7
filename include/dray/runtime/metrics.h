#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace prometheus {
class Counter;
class Histogram;
}  // namespace prometheus

namespace dray::runtime {

using MetricLabels = std::map<std::string, std::string>;

// Prometheus metrics of this process, by prometheus-cpp. Any thread. A metric is made by its first
// use; label values that are known beforehand are created at zero by whoever owns the metric, so
// that a rate() never starts from nothing.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  void Add(const std::string& counter, const std::string& help, const MetricLabels& labels,
           double by = 1);
  void Set(const std::string& gauge, const std::string& help, const MetricLabels& labels,
           double value);
  void Remove(const std::string& gauge, const MetricLabels& labels);
  // Seconds, with buckets from 1 ms to 60 s unless given at the first use.
  void Observe(const std::string& histogram, const std::string& help, const MetricLabels& labels,
               double seconds, const std::vector<double>& buckets = {});

  // One that is looked up once, for where every look-up shows. Live as long as these Metrics.
  class Counter {
   public:
    explicit Counter(prometheus::Counter& counter) : counter_(&counter) {}
    void Add(double by = 1) const;

   private:
    prometheus::Counter* counter_;
  };
  class Histogram {
   public:
    explicit Histogram(prometheus::Histogram& histogram) : histogram_(&histogram) {}
    void Observe(double value) const;

   private:
    prometheus::Histogram* histogram_;
  };
  Counter CounterOf(const std::string& counter, const std::string& help,
                    const MetricLabels& labels);
  Histogram HistogramOf(const std::string& histogram, const std::string& help,
                        const MetricLabels& labels, const std::vector<double>& buckets = {});

  // The text exposition format 0.0.4.
  std::string Text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The registry of this process.
Metrics& ProcessMetrics();

}  // namespace dray::runtime
