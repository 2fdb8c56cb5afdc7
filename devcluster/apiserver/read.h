#pragma once

#include <memory>

#include "devcluster/apiserver/server.h"
#include "devcluster/apiserver/watcher.h"

namespace dray::devcluster {

Result<Answer> GetObject(const Server& server, const Call& call);
Result<Answer> ListObjects(const Server& server, const Call& call);
// Opens the stream and hands it to the hub; an error is to be answered as usual, nothing has been
// sent then.
Status StartWatch(Server& server, const Call& call,
                  const std::shared_ptr<runtime::HttpResponder>& responder);

// labelSelector and fieldSelector of the query, and the namespace and name of the path.
Result<Selection> SelectionOf(const Call& call);
IncludeObject IncludeOf(const Call& call);

}  // namespace dray::devcluster
