#include "dray/runtime/kubeconfig.h"

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "dray/base/base64.h"
#include "dray/runtime/files.h"
#include "dray/runtime/yaml.h"
#include "runtime/kubeconfig_files.h"

namespace dray::runtime {
namespace {

Status Wrong(const std::string& what) {
  return Status(Reason::kInvalid, what);
}

// One named entry of a kubeconfig with what its errors need to say where it stands.
struct Entry {
  const Json* body = nullptr;  // the map below "cluster", "user" or "context"
  std::string file, label;     // "user \"admin\""

  Status Error(const std::string& what) const {
    return Wrong("kubeconfig " + file + ": " + label + ": " + what);
  }

  Result<std::string> Text(const char* field) const {
    auto found = body->find(field);
    if (found == body->end() || found->is_null()) return std::string();
    if (!found->is_string())
      return Error(std::string(field) + " must be a string, not " + found->dump());
    return found->get<std::string>();
  }
  Result<bool> Flag(const char* field) const {
    auto found = body->find(field);
    if (found == body->end() || found->is_null()) return false;
    if (!found->is_boolean())
      return Error(std::string(field) + " must be true or false, not " + found->dump());
    return found->get<bool>();
  }
  bool Has(const char* field) const {
    auto found = body->find(field);
    return found != body->end() && !found->is_null() &&
           !(found->is_string() && found->get_ref<const std::string&>().empty());
  }
};

// PEM from `<field>-data` (base64) or from the file that `<field>` names, relative to the
// kubeconfig. Data wins, as in kubectl.
struct Pem {
  std::string text, file;
};
Result<Pem> ReadPem(const Entry& entry, const std::string& field) {
  Pem pem;
  DRAY_ASSIGN_OR_RETURN(std::string data, entry.Text((field + "-data").c_str()));
  std::string source = field + "-data";
  if (!data.empty()) {
    std::optional<std::string> decoded = DecodeBase64(data);
    if (!decoded) return entry.Error(source + " is not base64");
    pem.text = *std::move(decoded);
  } else {
    DRAY_ASSIGN_OR_RETURN(std::string path, entry.Text(field.c_str()));
    if (path.empty()) return pem;
    pem.file = (std::filesystem::path(entry.file).parent_path() / path)
                   .string();  // an absolute path stays
    Result<std::string> text = ReadFile(pem.file);
    if (!text.ok()) return entry.Error(field + ": " + text.status().message());
    pem.text = *std::move(text);
    source = field + " " + pem.file;
  }
  if (pem.text.find("-----BEGIN ") == std::string::npos)
    return entry.Error(source + " is not PEM (want -----BEGIN ...-----)");
  return pem;
}

Status ReadCluster(const Entry& entry, ClusterAccess* access) {
  DRAY_ASSIGN_OR_RETURN(access->server, entry.Text("server"));
  if (access->server.empty())
    return entry.Error("has no server (want a URL like https://10.0.0.1:6443)");
  if (access->server.find("://") == std::string::npos) access->server = "https://" + access->server;
  if (!access->server.starts_with("https://") && !access->server.starts_with("http://"))
    return entry.Error("server \"" + access->server + "\" is not a URL like https://10.0.0.1:6443");
  while (access->server.ends_with('/')) access->server.pop_back();
  if (entry.Has("proxy-url"))
    return entry.Error("proxy-url is set, and Dray's client does not connect through proxies");
  DRAY_ASSIGN_OR_RETURN(access->insecure_skip_tls_verify, entry.Flag("insecure-skip-tls-verify"));
  DRAY_ASSIGN_OR_RETURN(access->tls_server_name, entry.Text("tls-server-name"));
  DRAY_ASSIGN_OR_RETURN(Pem ca, ReadPem(entry, "certificate-authority"));
  if (access->insecure_skip_tls_verify && !ca.text.empty())
    return entry.Error("has both a certificate-authority and insecure-skip-tls-verify: choose one");
  access->ca_pem = std::move(ca.text);
  access->ca_file = std::move(ca.file);
  return Ok();
}

Status ReadUser(const Entry& entry, ClusterAccess* access) {
  if (entry.Has("exec"))
    return entry.Error(
        "gets its credentials from a program (exec), which Dray does not run: use a client "
        "certificate, "
        "token or tokenFile");
  if (entry.Has("auth-provider"))
    return entry.Error(
        "uses an auth-provider, which Kubernetes has removed: use a client certificate, token or "
        "tokenFile");
  if (entry.Has("username") || entry.Has("password"))
    return entry.Error(
        "uses a user name and password, which Kubernetes has removed: use a client certificate, "
        "token or "
        "tokenFile");
  for (const char* field : {"as", "as-uid", "as-groups", "as-user-extra"})
    if (entry.Has(field))
      return entry.Error(std::string("asks for impersonation (") + field +
                         "), which Dray does not do");
  DRAY_ASSIGN_OR_RETURN(Pem cert, ReadPem(entry, "client-certificate"));
  DRAY_ASSIGN_OR_RETURN(Pem key, ReadPem(entry, "client-key"));
  if (cert.text.empty() != key.text.empty())
    return entry.Error(cert.text.empty() ? "has a client-key but no client-certificate"
                                         : "has a client-certificate but no client-key");
  access->client_cert_pem = std::move(cert.text);
  access->client_cert_file = std::move(cert.file);
  access->client_key_pem = std::move(key.text);
  access->client_key_file = std::move(key.file);
  DRAY_ASSIGN_OR_RETURN(access->token, entry.Text("token"));
  DRAY_ASSIGN_OR_RETURN(std::string token_file, entry.Text("tokenFile"));
  if (token_file.empty()) return Ok();
  access->token_file = (std::filesystem::path(entry.file).parent_path() / token_file).string();
  if (Result<std::string> text = ReadFile(access->token_file); !text.ok())
    return entry.Error("tokenFile: " + text.status().message());
  return Ok();
}

// Kubeconfigs merged as kubectl does: of each name the first one counts, and the first
// current-context that is not empty.
class Kubeconfigs {
 public:
  Status Add(const std::string& file) {
    Result<std::string> text = ReadFile(file);
    if (!text.ok()) return Wrong("kubeconfig: " + text.status().message());
    Result<Json> json = ParseYaml(*text, file);
    if (!json.ok()) return Wrong("kubeconfig " + json.status().message());
    if (!json->is_object() || (json->contains("kind") && json->at("kind") != "Config"))
      return Wrong("kubeconfig " + file + ": is not a kubeconfig (want kind: Config)");
    files_.push_back({file, *std::move(json)});
    return Ok();
  }
  bool empty() const { return files_.empty(); }

  Result<ClusterAccess> Access(const std::string& wanted) const {
    std::string name = wanted;
    for (const auto& [file, json] : files_) {
      auto current = json.find("current-context");
      if (name.empty() && current != json.end() && current->is_string())
        name = current->get<std::string>();
    }
    if (name.empty())
      return Wrong("kubeconfig " + Names() +
                   ": has no current-context (want one of: " + Known("contexts") + ")");
    DRAY_ASSIGN_OR_RETURN(Entry context, Find("contexts", "context", name,
                                              wanted.empty() ? "current-context" : "context"));
    DRAY_ASSIGN_OR_RETURN(std::string cluster_name, context.Text("cluster"));
    if (cluster_name.empty()) return context.Error("names no cluster");
    DRAY_ASSIGN_OR_RETURN(std::string user_name, context.Text("user"));

    ClusterAccess access;
    DRAY_ASSIGN_OR_RETURN(Entry cluster, Find("clusters", "cluster", cluster_name, context.label));
    DRAY_RETURN_IF_ERROR(ReadCluster(cluster, &access));
    if (!user_name.empty()) {
      DRAY_ASSIGN_OR_RETURN(Entry user, Find("users", "user", user_name, context.label));
      DRAY_RETURN_IF_ERROR(ReadUser(user, &access));
    }
    DRAY_ASSIGN_OR_RETURN(std::string space, context.Text("namespace"));
    if (!space.empty()) access.namespace_ = space;
    return access;
  }

 private:
  std::string Names() const {
    std::string names;
    for (const auto& [file, json] : files_) names += (names.empty() ? "" : ":") + file;
    return names;
  }
  template <class F>
  void Each(const char* list, F&& use) const {
    for (const auto& [file, json] : files_) {
      auto entries = json.find(list);
      if (entries == json.end() || !entries->is_array()) continue;
      for (const Json& entry : *entries)
        if (entry.is_object() && entry.contains("name") && entry["name"].is_string())
          use(file, entry["name"].get_ref<const std::string&>(), entry);
    }
  }
  std::string Known(const char* list) const {
    std::string names;
    Each(list, [&](const std::string&, const std::string& name, const Json&) {
      names += (names.empty() ? "" : ", ") + name;
    });
    return names.empty() ? "there are none" : names;
  }
  Result<Entry> Find(const char* list, const char* kind, const std::string& name,
                     const std::string& by) const {
    Entry found;
    Each(list, [&](const std::string& file, const std::string& entry_name, const Json& entry) {
      if (found.body != nullptr || entry_name != name) return;
      static const Json kNothing = Json::object();
      auto body = entry.find(kind);
      found = {body != entry.end() && body->is_object() ? &*body : &kNothing, file,
               std::string(kind) + " \"" + name + "\""};
    });
    if (found.body != nullptr) return found;
    return Wrong("kubeconfig " + Names() + ": " + by + " names the " + kind + " \"" + name +
                 "\", which is not there (" + list + ": " + Known(list) + ")");
  }

  std::vector<std::pair<std::string, Json>> files_;
};

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool Exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

}  // namespace

Result<ClusterAccess> InClusterAccess(const std::string& folder, const std::string& host,
                                      const std::string& port) {
  ClusterAccess access;
  // An IPv6 address has no place in the client's URLs; the API server's certificate always carries
  // this name.
  access.server = "https://" +
                  (host.find(':') == std::string::npos ? host : "kubernetes.default.svc") + ":" +
                  (port.empty() ? "443" : port);
  access.token_file = folder + "/token";
  access.ca_file = folder + "/ca.crt";
  for (const std::string& file : {access.token_file, access.ca_file}) {
    Result<std::string> text = ReadFile(file);
    if (!text.ok())
      return Wrong("service account of this Pod: " + text.status().message() +
                   " (want automountServiceAccountToken, or --kubeconfig)");
    if (file == access.ca_file) access.ca_pem = *std::move(text);
  }
  if (Result<std::string> space = ReadFile(folder + "/namespace"); space.ok() && !space->empty())
    access.namespace_ = *space;
  return access;
}

Result<ClusterAccess> LoadClusterAccess(const std::string& path, const std::string& context) {
  Kubeconfigs configs;
  if (!path.empty()) {
    DRAY_RETURN_IF_ERROR(configs.Add(path));
    return configs.Access(context);
  }
  std::string listed = Environment("KUBECONFIG");
  for (size_t from = 0; from <= listed.size();) {
    size_t to = std::min(listed.find(':', from), listed.size());
    std::string file = listed.substr(from, to - from);
    if (!file.empty() && Exists(file)) DRAY_RETURN_IF_ERROR(configs.Add(file));
    from = to + 1;
  }
  if (!configs.empty()) return configs.Access(context);
  if (!listed.empty())
    return Wrong("kubeconfig: none of the files in $KUBECONFIG exists: " + listed);
  std::string host = Environment("KUBERNETES_SERVICE_HOST");
  if (!host.empty())
    return InClusterAccess(kServiceAccountFolder, host, Environment("KUBERNETES_SERVICE_PORT"));
  std::string home = Environment("HOME") + "/.kube/config";
  if (!Exists(home))
    return Wrong("no cluster to talk to: give --kubeconfig, set $KUBECONFIG, or run in a Pod (" +
                 home + " does not exist)");
  DRAY_RETURN_IF_ERROR(configs.Add(home));
  return configs.Access(context);
}

std::string WriteKubeconfig(const ClusterAccess& access, std::string_view cluster_name) {
  std::string name(cluster_name);
  Json cluster = {{"server", access.server}};
  if (!access.ca_pem.empty()) cluster["certificate-authority-data"] = EncodeBase64(access.ca_pem);
  if (access.insecure_skip_tls_verify) cluster["insecure-skip-tls-verify"] = true;
  if (!access.tls_server_name.empty()) cluster["tls-server-name"] = access.tls_server_name;
  Json user = Json::object();
  if (!access.client_cert_pem.empty())
    user["client-certificate-data"] = EncodeBase64(access.client_cert_pem);
  if (!access.client_key_pem.empty()) user["client-key-data"] = EncodeBase64(access.client_key_pem);
  if (!access.token.empty()) user["token"] = access.token;
  if (!access.token_file.empty()) user["tokenFile"] = access.token_file;
  Json context = {{"cluster", name}, {"user", name}};
  if (!access.namespace_.empty() && access.namespace_ != "default")
    context["namespace"] = access.namespace_;
  return ToYaml({{"apiVersion", "v1"},
                 {"kind", "Config"},
                 {"current-context", name},
                 {"clusters", Json::array({{{"name", name}, {"cluster", cluster}}})},
                 {"users", Json::array({{{"name", name}, {"user", user}}})},
                 {"contexts", Json::array({{{"name", name}, {"context", context}}})}});
}

}  // namespace dray::runtime
