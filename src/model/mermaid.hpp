// A graph as text that Mermaid draws, as GitHub and GitLab do in Markdown. Pure.
#pragma once

#include <string>
#include <vector>

namespace softdelete::model {

enum class Arrow { solid, dashed, crossed };

struct GraphNode {
    std::vector<std::string> lines; // any text
};

struct GraphEdge {
    std::size_t from; // number of a node
    std::size_t to;
    Arrow arrow;
    std::vector<std::string> lines; // any text
};

// A flowchart from above to below. No text of a node or an edge can be taken for anything but text.
std::string draw_flowchart(const std::vector<GraphNode> &nodes, const std::vector<GraphEdge> &edges);

} // namespace softdelete::model
