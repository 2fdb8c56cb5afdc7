#pragma once

#include <memory>

#include "devcluster/apiserver/server.h"

namespace dray::devcluster {

// POST pods/N/binding: the scheduler's last word.
Result<Answer> BindPod(Server& server, Call& call);
// POST pods/N/eviction: a deletion that a budget could forbid; there are no budgets here.
Result<Answer> EvictPod(Server& server, Call& call);
// GET pods/N/log: hands the responder to the log source when all is well.
Status ServeLog(const Server& server, const Call& call,
                const std::shared_ptr<runtime::HttpResponder>& responder);
// GET, PUT and PATCH of deployments/N/scale and replicasets/N/scale.
Result<Answer> ServeScale(Server& server, Call& call);
// PUT namespaces/N/finalize: the namespace controller says that everything in it is gone.
Result<Answer> FinalizeNamespace(Server& server, Call& call);

}  // namespace dray::devcluster
