#pragma once

#include "dray/api/alloc.h"

namespace dray::alloc {

// The node selection of a slice or of one device: a name, or all nodes, or a selector; none of them
// matches nothing.
Result<bool> SelectsNode(const std::optional<std::string>& node_name,
                         const std::optional<bool>& all_nodes,
                         const std::optional<api::NodeSelector>& selector, const api::Node& node);

}  // namespace dray::alloc
