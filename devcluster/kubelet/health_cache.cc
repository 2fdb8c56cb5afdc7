#include "devcluster/kubelet/health_cache.h"

namespace dray::devcluster {
namespace {

constexpr Duration kDefaultTimeout = std::chrono::seconds(30);
constexpr size_t kLongestMessage = 1024;

// At most so many bytes, without half a character at the end.
std::string Cut(std::string text) {
  if (text.size() <= kLongestMessage) return text;
  size_t end = kLongestMessage;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text;
}

}  // namespace

bool HealthCache::Update(const std::string& driver, const std::vector<HealthReport>& reports,
                         SteadyTime now) {
  auto& devices = drivers_[driver];
  bool changed = false;
  for (const HealthReport& report : reports) {
    const Duration timeout = report.timeout > Duration(0) ? report.timeout : kDefaultTimeout;
    Entry next{{report.health.health, Cut(report.health.message)}, now + timeout};
    auto [at, added] = devices.try_emplace({report.pool, report.device}, next);
    changed |= added || at->second.health != next.health || at->second.until <= now;
    at->second = std::move(next);
  }
  for (auto at = devices.begin(); at != devices.end();) {
    const bool old = at->second.until <= now;
    changed |= old;
    at = old ? devices.erase(at) : std::next(at);
  }
  return changed;
}

bool HealthCache::Clear(const std::string& driver) {
  auto found = drivers_.find(driver);
  if (found == drivers_.end()) return false;
  const bool said = !found->second.empty();
  drivers_.erase(found);
  return said;
}

DeviceHealth HealthCache::Find(const std::string& driver, const std::string& pool,
                               const std::string& device, SteadyTime now) const {
  auto devices = drivers_.find(driver);
  if (devices == drivers_.end()) return {};
  auto found = devices->second.find({pool, device});
  return found == devices->second.end() || found->second.until <= now ? DeviceHealth()
                                                                      : found->second.health;
}

}  // namespace dray::devcluster
