#include "controllers/webhook/device_config_file.h"

#include "dray/base/log.h"
#include "dray/runtime/files.h"

namespace dray::controllers {
namespace {

constexpr char kUsable[] = "dray_device_config_usable";
constexpr char kUsableHelp[] =
    "1 when the device configuration is the one in its file, 0 when that cannot be used.";

}  // namespace

DeviceConfigFile::DeviceConfigFile(Options options) : options_(std::move(options)) {
  if (Result<std::string> text = runtime::ReadFile(options_.path); text.ok())
    known_ = *std::move(text);
  if (options_.metrics != nullptr) options_.metrics->Set(kUsable, kUsableHelp, {}, 1);
}

bool DeviceConfigFile::Look() {
  Result<std::string> text = runtime::ReadFile(options_.path);
  // A volume that is just being changed has no file for a moment.
  if (!text.ok() || *text == known_) return false;
  known_ = *std::move(text);
  Result<admission::DeviceConfig> config = options_.load(options_.path);
  if (options_.metrics != nullptr)
    options_.metrics->Set(kUsable, kUsableHelp, {}, config.ok() ? 1 : 0);
  if (!config.ok()) {
    LOG(ERROR) << "keeping the device configuration of before: " << config.status().message();
    return false;
  }
  LOG(INFO) << "new device configuration from " << options_.path;
  options_.use(*std::move(config));
  return true;
}

Status DeviceConfigFile::Run(const Context& ctx) {
  while (ctx.Sleep(options_.look_every).ok()) Look();
  return {};
}

}  // namespace dray::controllers
