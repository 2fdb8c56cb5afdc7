#include "devcluster/cluster/credentials.h"

#include "dray/runtime/files.h"
#include "dray/runtime/pki.h"

namespace dray::devcluster {

Result<Credentials> Credentials::Make(const std::string& dir, const std::string& address,
                                      WallTime now) {
  DRAY_ASSIGN_OR_RETURN(runtime::KeyPair ca, runtime::NewCa("dray-devcluster", now));
  runtime::LeafRequest server;
  server.common_name = "kube-apiserver";
  server.dns_names = {"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"};
  server.ips = {"127.0.0.1"};
  if (address != "127.0.0.1" && address != "0.0.0.0") server.ips.push_back(address);
  server.server = true;
  DRAY_ASSIGN_OR_RETURN(runtime::KeyPair serving, runtime::IssueLeaf(ca, server, now));
  runtime::LeafRequest admin;
  admin.common_name = "kubernetes-admin";
  admin.organizations = {"system:masters"};
  admin.client = true;
  DRAY_ASSIGN_OR_RETURN(runtime::KeyPair administrator, runtime::IssueLeaf(ca, admin, now));

  const std::string folder = dir + "/pki";
  DRAY_RETURN_IF_ERROR(runtime::MakeDirectories(folder, 0700));
  Credentials made{folder + "/ca.crt", folder + "/apiserver.crt", folder + "/apiserver.key",
                   ca.cert_pem,        administrator.cert_pem,    administrator.key_pem};
  DRAY_RETURN_IF_ERROR(runtime::WriteFileAtomically(made.ca_file, ca.cert_pem));
  DRAY_RETURN_IF_ERROR(runtime::WriteFileAtomically(made.server_key_file, serving.key_pem, 0600));
  DRAY_RETURN_IF_ERROR(runtime::WriteFileAtomically(made.server_cert_file, serving.cert_pem));
  return made;
}

}  // namespace dray::devcluster
