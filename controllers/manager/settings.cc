// What the flags of dray-controller-manager name: addresses, files, namespaces.
#include <charconv>

#include <nlohmann/json.hpp>

#include "controllers/manager/controller_manager.h"
#include "dray/runtime/files.h"
#include "dray/runtime/yaml.h"

namespace dray::controllers {

Result<std::optional<BindAddress>> ParseBindAddress(const std::string& flag,
                                                    const std::string& text) {
  if (text.empty() || text == "0") return std::optional<BindAddress>();
  const size_t colon = text.rfind(':');
  unsigned port = 0;
  const char* end = text.data() + text.size();
  if (colon != std::string::npos) {
    auto [stop, error] = std::from_chars(text.data() + colon + 1, end, port);
    if (error == std::errc() && stop == end && port <= 65535) {
      std::string address = text.substr(0, colon);
      if (address.size() > 1 && address.front() == '[' && address.back() == ']')
        address = address.substr(1, address.size() - 2);
      return std::optional<BindAddress>(
          {address.empty() ? "0.0.0.0" : address, static_cast<uint16_t>(port)});
    }
  }
  return Status(Reason::kInvalid,
                "--" + flag + ": " + text + ": want ADDRESS:PORT as in :8080, or 0 for off");
}

Result<ConfiguredClasses> LoadDeviceClasses(const std::string& path) {
  if (path.empty()) return BuiltInDeviceClasses();
  if (path == "none") return ConfiguredClasses();
  // A file that cannot be read is wrong use, as one with a mistake in it.
  Result<std::string> text = runtime::ReadFile(path);
  if (!text.ok()) return Status(Reason::kInvalid, text.status().message());
  return ReadDeviceClasses(*text, path);
}

Status SetExtendedResources(const std::string& flag, const std::string& text,
                            ConfiguredClasses* classes) {
  auto wrong = [&](const std::string& entry, const std::string& why) {
    return Status(Reason::kInvalid, "--" + flag + ": " + entry + ": " + why);
  };
  for (size_t from = 0; from < text.size();) {
    const size_t to = std::min(text.find(',', from), text.size());
    const std::string entry = text.substr(from, to - from);
    from = to + 1;
    const size_t equals = entry.find('=');
    if (equals == std::string::npos) return wrong(entry, "want RESOURCE=DEVICECLASS");
    const std::string name = entry.substr(equals + 1);
    auto found = classes->find(name);
    if (found == classes->end()) return wrong(entry, "no configured DeviceClass is called " + name);
    Json manifest = Json::parse(found->second);
    manifest["spec"]["extendedResourceName"] = entry.substr(0, equals);
    // Checked as a manifest that says so itself.
    Result<ConfiguredClasses> read = ReadDeviceClasses(manifest.dump(), "--" + flag);
    if (!read.ok()) return wrong(entry, read.status().message());
    found->second = manifest.dump();
  }
  return {};
}

WebhookCertificateKeeper::Options ControllerManager::CertificateOptions(const Options& options,
                                                                        runtime::Client client) {
  WebhookCertificateKeeper::Options keep{std::move(client)};
  keep.namespace_ = options.webhook_namespace;
  const std::string service = "dray-webhook." + keep.namespace_ + ".svc";
  keep.dns_names = {service, service + ".cluster.local"};
  keep.folder = options.webhook_cert_dir;
  keep.metrics = &runtime::ProcessMetrics();
  return keep;
}

}  // namespace dray::controllers
