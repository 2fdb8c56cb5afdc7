#include "devcluster/kubelet/container_env.h"

namespace dray::devcluster {
namespace {

// The key in "metadata.labels['key']", or nothing.
std::optional<std::string> Subscript(std::string_view path, std::string_view field) {
  if (!path.starts_with(field) || !path.ends_with("']")) return std::nullopt;
  path.remove_prefix(field.size());
  if (!path.starts_with("['") || path.size() < 4) return std::nullopt;
  return std::string(path.substr(2, path.size() - 4));
}

std::string ValueOr(const api::Labels& labels, const std::string& key) {
  auto at = labels.find(key);
  return at == labels.end() ? "" : at->second;
}

Result<std::optional<std::string>> SourceValue(const api::Pod& pod, const api::EnvVarSource& source,
                                               const EnvSources& sources) {
  if (source.field_ref) {
    DRAY_ASSIGN_OR_RETURN(std::string value,
                          FieldValue(pod, source.field_ref->field_path, sources));
    return std::optional(value);
  }
  if (source.config_map_key_ref) {
    const api::KeySelector& ref = *source.config_map_key_ref;
    bool optional = ref.optional.value_or(false);
    Result<std::map<std::string, std::string>> data = sources.config_map(ref.name);
    if (data.Is(Reason::kNotFound)) {
      if (optional) return std::optional<std::string>();
      return Status(Reason::kInvalid, "configmap \"" + ref.name + "\" not found");
    }
    if (!data.ok()) return data.status();
    auto at = data->find(ref.key);
    if (at != data->end()) return std::optional(at->second);
    if (optional) return std::optional<std::string>();
    return Status(Reason::kInvalid, "couldn't find key " + ref.key + " in ConfigMap " + ref.name);
  }
  return Status(
      Reason::kInvalid,
      "devcluster offers fieldRef and configMapKeyRef as sources of variables, no others");
}

}  // namespace

std::string ExpandVariables(std::string_view text, const Environment& env) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 == text.size()) {
      out += text[i];
    } else if (text[i + 1] == '$') {
      out += text[++i];
    } else if (size_t end = text[i + 1] == '(' ? text.find(')', i) : std::string_view::npos;
               end != std::string_view::npos) {
      auto at = env.find(std::string(text.substr(i + 2, end - i - 2)));
      out += at == env.end() ? text.substr(i, end - i + 1) : std::string_view(at->second);
      i = end;
    } else {
      out += text[i];
    }
  }
  return out;
}

Result<std::string> FieldValue(const api::Pod& pod, std::string_view path,
                               const EnvSources& sources) {
  const api::ObjectMeta& meta = pod.metadata;
  if (path == "metadata.name") return meta.name;
  if (path == "metadata.namespace") return meta.namespace_;
  if (path == "metadata.uid") return meta.uid;
  if (std::optional<std::string> key = Subscript(path, "metadata.labels"))
    return ValueOr(meta.labels, *key);
  if (std::optional<std::string> key = Subscript(path, "metadata.annotations"))
    return ValueOr(meta.annotations, *key);
  if (path == "spec.nodeName") return sources.node_name;
  if (path == "spec.serviceAccountName") return pod.spec.service_account_name;
  if (path == "status.hostIP" || path == "status.hostIPs") return sources.host_ip;
  if (path == "status.podIP" || path == "status.podIPs") return sources.pod_ip;
  return Status(Reason::kInvalid, "unsupported fieldPath: " + std::string(path));
}

Result<Environment> ContainerEnvironment(const api::Pod& pod, const api::Container& container,
                                         Environment base, const EnvSources& sources) {
  Environment env = std::move(base);
  for (const api::EnvVar& variable : container.env) {
    if (!variable.value_from) {
      env[variable.name] = ExpandVariables(variable.value, env);
      continue;
    }
    Result<std::optional<std::string>> value = SourceValue(pod, *variable.value_from, sources);
    if (!value.ok()) return value.status().Wrapped("env " + variable.name);
    if (*value) env[variable.name] = **value;
  }
  return env;
}

void AddDefaults(Environment& env, const std::string& hostname) {
  env.try_emplace("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  env.try_emplace("HOSTNAME", hostname);
  env.try_emplace("HOME", "/root");
}

std::vector<std::string> ContainerArgv(const api::Container& container, const Environment& env) {
  std::vector<std::string> argv;
  for (const std::string& word : container.command) argv.push_back(ExpandVariables(word, env));
  for (const std::string& word : container.args) argv.push_back(ExpandVariables(word, env));
  return argv;
}

}  // namespace dray::devcluster
